"""What the contracts stand on: asyncio, as aiohttp knows nothing else."""

from tests.unit.api.conftest import anyio_backend

__all__ = ["anyio_backend"]
