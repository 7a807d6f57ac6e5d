"""Answers of any length: made while they are sent."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from starlette.types import Message, Send


class Stream(StreamingResponse):
    """Sends what a generator makes; it is closed at once when the client goes away."""

    def __init__(
        self, made: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Nothing is made before it is sent."""
        super().__init__(made, media_type=media_type, headers=headers)
        self._made = made

    async def stream_response(self, send: Send) -> None:
        """Send it piece by piece; in between others have their turn, also where the client takes all at once."""

        async def send_in_turn(message: Message) -> None:
            await send(message)
            await asyncio.sleep(0)

        async with aclosing(self._made):
            await super().stream_response(send_in_turn)
