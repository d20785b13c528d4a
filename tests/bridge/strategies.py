"""Hypothesis' strategies for what the bridge's tests are about."""

from hypothesis import strategies as st

from bridge.boundary import Boundary
from bridge.items import Cursor, Origin
from state.types import BlockNumber, Hash32

WORDS = st.binary(min_size=32, max_size=32).map(Hash32)
UINT64 = st.integers(0, 2**64 - 1)
BOUNDARIES = st.builds(
    Boundary,
    config_hash=WORDS,
    number=UINT64.map(BlockNumber),
    header_hash=WORDS,
    state_root=WORDS,
    message_passer_root=WORDS,
    ring_root=WORDS,
    cursor=st.builds(Cursor, UINT64, UINT64, UINT64),
    origin=st.builds(Origin, UINT64, UINT64),
)
