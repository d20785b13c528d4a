"""`eth_` and `personal_`: signatures over messages and typed data, for accounts the node holds."""

from node.rpc.backend import Backend
from node.rpc.codec import data, parse_address, parse_data, parse_string
from node.rpc.dispatch import Param, method
from node.rpc.eth.signers import message_digest
from node.rpc.eth.typed_data import parse_typed_data
from state.types import Address, Hash32

_SIGNER = Param(parse_address)
_MESSAGE = Param(parse_data)
_TYPED_DATA = Param(parse_typed_data)


class SigningMethods:
    """Signatures that are no transactions. Each raises `UnknownAccount` for another's."""

    def __init__(self, backend: Backend) -> None:
        self._signers = backend.signers

    @method("eth_sign", _SIGNER, _MESSAGE)
    async def sign(self, signer: Address, message: bytes) -> str:
        """A signature over a message with its prefix (EIP-191)."""
        return data(self._signers.sign_digest(signer, message_digest(message)))

    @method("personal_sign", _MESSAGE, _SIGNER, Param(parse_string, None))
    async def personal_sign(self, message: bytes, signer: Address, password: str | None) -> str:
        """The same, as ethers and viem ask for it; nothing here has a password."""
        return await self.sign(signer, message)

    @method("eth_signTypedData_v4", _SIGNER, _TYPED_DATA)
    async def sign_typed_data(self, signer: Address, digest: Hash32) -> str:
        """A signature over typed data (EIP-712), as an object or its JSON."""
        return data(self._signers.sign_digest(signer, digest))

    @method("eth_signTypedData", _SIGNER, _TYPED_DATA)
    async def sign_typed_data_by_its_first_name(self, signer: Address, digest: Hash32) -> str:
        """The same, as web3.py asks for it."""
        return await self.sign_typed_data(signer, digest)
