"""Put a reward on an environment, and see what it pays, for what, beside the true return.

python examples/01_wrap_any_env.py
"""

import gymnasium as gym

import rewardwrap as rw

reward = (
    rw.EnvReward()
    + rw.Constant(-0.1).named("time")
    + rw.function(lambda action: -0.5 * (action == 0)).named("left_is_dear")
)

# one environment: every step says what it paid
env = rw.wrap(gym.make("CartPole-v1"), reward)
obs, info = env.reset(seed=0)
for action in (0, 1, 0):
    obs, paid, terminated, truncated, info = env.step(action)
    print(f"paid {paid:+.1f} for", info["reward_terms"])
print("so far:", info["episode_terms"])

# a gymnasium vector environment: the same reward, terms as one array
envs = rw.wrap(gym.make_vec("CartPole-v1", num_envs=4, vectorization_mode="sync"), reward)
envs.reset(seed=0)
envs.step(envs.action_space.sample())
print(envs.term_names)
print(envs.reward_terms)

# a logged episode: what it would have paid
log = {
    "obs": [[0.0] * 4] * 4,
    "action": [1, 1, 0],
    "reward": [1.0, 1.0, 1.0],
    "terminated": [False, False, True],
    "truncated": [False, False, False],
}
print("relabelled:", rw.relabel(reward, log))

# the step as it runs: plain Python, every term and number in sight
print(
    rw.wrap(
        gym.make("CartPole-v1"), rw.EnvReward() + 0.5 * rw.Potential("pole_angle", gamma=0.99)
    ).source
)
