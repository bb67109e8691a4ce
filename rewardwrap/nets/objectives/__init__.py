"""What a network is fitted by: one objective, one file, registered by tag."""

from rewardwrap.nets.objectives.abstaining import Abstaining
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.contract import OBJECTIVES, objective, objective_of
from rewardwrap.nets.objectives.dpo import DirectPreference
from rewardwrap.nets.objectives.gdro import GDRO
from rewardwrap.nets.objectives.gpm import GeneralPreference
from rewardwrap.nets.objectives.outcome import Outcome, Process
from rewardwrap.nets.objectives.prdp import Differences
from rewardwrap.nets.objectives.rankings import ListWise
from rewardwrap.nets.objectives.regression import Regression
from rewardwrap.nets.objectives.ser import SelfEvolved
from rewardwrap.nets.objectives.surf import Surf
from rewardwrap.nets.objectives.treg import TReg

__all__ = [
    "GDRO",
    "OBJECTIVES",
    "Abstaining",
    "BradleyTerry",
    "Differences",
    "DirectPreference",
    "GeneralPreference",
    "ListWise",
    "Outcome",
    "Process",
    "Regression",
    "SelfEvolved",
    "Surf",
    "TReg",
    "objective",
    "objective_of",
]
