"""Have rewards written, and see which of them hold before anything is trained.

Without a key and a network: the designer that comes along fills templates from the environment's named
fields. A language model in its place is one line (see below); everything after it stays the same.
The whole search, trainings included, is `rewardwrap write MountainCar-v0 "drive up the right hill"`.
"""

import rewardwrap_envs
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.client import Request
from rewardwrap.llm.extraction import code_in
from rewardwrap.llm.prompt import first_request, scene_of
from rewardwrap.llm.stages import Stages
from rewardwrap.llm.template import TemplateDesigner
from rewardwrap.llm.trajectories import collect

ENV, TASK = "MountainCar-v0", "drive the car up the right hill"

scene = scene_of(ENV, rewardwrap_envs.find(ENV))
stages = Stages(scene, collect(scene.recipe, seed=0))
client = TemplateDesigner(scene, TASK)
# from rewardwrap.llm.hosted import OpenAIClient
# client = OpenAIClient("qwen2.5-coder", base_url="http://localhost:11434/v1")

for sample in range(4):
    ask = Request(({"role": "user", "content": TASK},), seed=sample)
    answer = client.complete(first_request(scene, TASK, ask=ask))
    candidate = Candidate(f"r1s{sample + 1}", 1, sample + 1, code_in(answer))
    stages.judge(candidate)
    if candidate.alive:
        print(f"{candidate.id}: {', '.join(candidate.components)}; in order {candidate.order:.2f}")
    else:
        print(f"{candidate.id} rejected at {candidate.stage}: {candidate.reason}")
