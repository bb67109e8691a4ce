"""What does a reward really ask for? A potential and a bonus that look alike, on FrozenLake.

python examples/06_know_your_reward.py
"""

from pathlib import Path

import rewardwrap as rw

closeness = rw.Potential({"row": 1 / 14, "column": 1 / 14})
rewards = {
    "env": rw.EnvReward(),
    "potential": rw.EnvReward() + closeness.named("closeness"),
    # the same, but going back is free
    "bonus": rw.EnvReward() + closeness.clip(low=0.0).named("progress"),
}

# are they one task? 0: yes, up to shaping and scale; 1: opposites
matrix = rw.evaluate.distance_matrix(rewards, "FrozenLake-8x8", "starc-val")
print(matrix.names, matrix.values.round(3), sep="\n")

# is the best policy still the task's? `rewardwrap regret` says it with its exit code
for name, reward in rewards.items():
    regret = rw.evaluate.policy_regret(reward, "FrozenLake-8x8")
    print(f"{name}: regret {float(regret):.2f} of all there is to lose")
    for step in regret.cycle:
        where = regret.name_of(step.state), regret.name_of(step.next_state)
        print(f"    {where[0]} -> {where[1]} pays {step.paid:+.3f}, true {step.true:+.3f}")

# what is it paid for while it is played? In a training: callback=rw.evaluate.Audit(folder)
record = rw.evaluate.audit_reward("FrozenLake-8x8", rewards["bonus"], episodes=20)
for finding in record.findings:
    print(finding.what, *finding.evidence, sep="\n    ")
record.write(Path("audit.npz"))  # `rewardwrap audit .` makes a page of it
