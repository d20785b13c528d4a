"""The contracts that verify single steps, in the order of `OneStepProver`'s constructor."""

from typing import Final

PROVERS: Final[tuple[str, ...]] = (
    "ArithmeticProver",
    "ControlProver",
    "EnvironmentProver",
    "AccountProver",
    "MemoryProver",
    "LogProver",
    "StorageProver",
    "CallProver",
    "CreateProver",
    "DestructProver",
    "PrecompileProver",
    "EnvelopeProver",
    "PaymentProver",
    "PhaseProver",
    "ReceiptProver",
    "BatchProver",
    "BlockProver",
    "ListProver",
    "SealProver",
)

ONE_STEP_PROVER: Final = "OneStepProver"
