import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
import simplejpeg

from edge.pixels import Frame
from edge.sinks import Video, open_sink
from edge.sinks.web import Kind, Picture, WebSink


def grey(value: int, sequence: int = 0, height: int = 48, width: int = 64) -> Frame:
    """A frame of one grey, whose camera picture is black."""
    pixels = np.full((height, width, 3), value, np.uint8)
    return Frame(pixels, sequence, time.monotonic_ns(), np.zeros_like(pixels))


def with_hub(story: Callable[[WebSink], Awaitable[None]]) -> None:
    """Run a story against an open hub; a story that hangs fails."""

    async def play() -> None:
        hub = WebSink()
        try:
            await asyncio.wait_for(story(hub), 10)
        finally:
            hub.close()

    asyncio.run(play())


async def next_of(stream: AsyncIterator[Picture]) -> Picture:
    return await asyncio.wait_for(anext(stream), 5)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_one_jpeg_serves_every_viewer():
    async def story(hub: WebSink) -> None:
        viewers = [hub.watch("styled") for _ in range(20)]
        for sequence in range(10):
            hub.write(grey(100, sequence))
            pictures = await asyncio.gather(*map(next_of, viewers))
            assert {picture.sequence for picture in pictures} == {sequence}
            assert len({id(picture.jpeg) for picture in pictures}) == 1
        assert hub.stats().encodes == 10
        assert hub.stats().viewers == 20
        assert hub.stats().encode_ms > 0

    with_hub(story)


def test_each_kind_is_encoded_once():
    async def story(hub: WebSink) -> None:
        kinds: list[Kind] = ["styled", "camera", "pair"] * 3
        viewers = [hub.watch(kind) for kind in kinds]
        hub.write(grey(100))
        await asyncio.gather(*map(next_of, viewers))
        assert hub.stats().encodes == 3

    with_hub(story)


def test_nothing_is_encoded_while_nobody_watches():
    async def story(hub: WebSink) -> None:
        for sequence in range(50):
            hub.write(grey(100, sequence))
        await asyncio.sleep(0.05)
        assert hub.stats().encodes == 0

        viewer = hub.watch("styled")
        assert (await next_of(viewer)).sequence == 49
        await viewer.aclose()
        assert hub.stats().viewers == 0
        for sequence in range(50):
            hub.write(grey(100, sequence))
        await asyncio.sleep(0.05)
        assert hub.stats().encodes == 1

    with_hub(story)


def test_a_slow_viewer_gets_the_newest_and_holds_up_nobody():
    async def story(hub: WebSink) -> None:
        slow, quick = hub.watch("styled"), hub.watch("styled")
        hub.write(grey(0, 0))
        assert (await next_of(slow)).sequence == 0
        for sequence in range(30):
            hub.write(grey(100, sequence))
            assert (await next_of(quick)).sequence == sequence
        assert (await next_of(slow)).sequence == 29

    with_hub(story)


def test_a_viewer_who_leaves_takes_no_picture_from_the_others():
    async def story(hub: WebSink) -> None:
        hub.write(grey(100, height=2160, width=3840))
        kinds: list[Kind] = ["camera", "pair", "pair"]
        busy, leaving, staying = (asyncio.ensure_future(hub.picture(kind)) for kind in kinds)
        await asyncio.sleep(0)  # the encoder is busy, and two wait for the same next JPEG
        leaving.cancel()
        assert (await staying).sequence == 0
        await busy

    with_hub(story)


def test_close_ends_every_stream_at_once():
    async def story(hub: WebSink) -> None:
        async def count() -> int:
            return len([picture async for picture in hub.watch("styled")])

        waiting = [asyncio.ensure_future(count()) for _ in range(10)]
        hub.write(grey(100))
        await until(lambda: hub.stats().encodes == 1)
        began = time.monotonic()
        hub.close()
        assert await asyncio.gather(*waiting) == [1] * 10
        assert time.monotonic() - began < 0.5
        assert await hub.picture("styled") is None

    with_hub(story)


def test_a_source_that_starts_again_from_zero_is_still_shown():
    async def story(hub: WebSink) -> None:
        viewer = hub.watch("styled")
        for sequence in (7, 8, 0, 1):
            hub.write(grey(100, sequence))
            assert (await next_of(viewer)).sequence == sequence

    with_hub(story)


@pytest.mark.parametrize("height", [48, 90, 95])
def test_a_pair_is_the_camera_above_the_style_and_neither_bleeds_into_the_other(height):
    async def story(hub: WebSink) -> None:
        red = np.zeros((height, 64, 3), np.uint8)
        red[..., 0] = 255
        blue = red[..., ::-1].copy()
        hub.write(Frame(blue, 0, time.monotonic_ns(), red))
        picture = await hub.picture("pair")
        assert (picture.height, picture.width) == (height, 64)
        pair = simplejpeg.decode_jpeg(picture.jpeg).astype(int)
        assert np.abs(pair[:height] - red).max() <= 4
        assert np.abs(pair[-height:] - blue).max() <= 4

    with_hub(story)


def test_each_kind_shows_its_own_picture():
    async def story(hub: WebSink) -> None:
        hub.write(grey(200))
        styled, camera = await hub.picture("styled"), await hub.picture("camera")
        assert abs(int(simplejpeg.decode_jpeg(styled.jpeg).mean()) - 200) <= 1
        assert simplejpeg.decode_jpeg(camera.jpeg).max() <= 1

    with_hub(story)


def test_writing_does_not_wait_for_viewers_or_the_encoder():
    async def story(hub: WebSink) -> None:
        viewers = [asyncio.ensure_future(next_of(hub.watch("pair"))) for _ in range(50)]
        await until(lambda: hub.stats().viewers == 50)
        frame, took = grey(100, height=1080, width=1920), []
        for _ in range(200):
            began = time.perf_counter()
            hub.write(frame)
            took.append(time.perf_counter() - began)
        await asyncio.gather(*viewers)
        # Encoding this pair takes about 20 ms.
        assert sorted(took)[100] < 0.001

    with_hub(story)


def test_a_hub_outlives_the_event_loop_of_its_viewers():
    hub = WebSink()

    async def watch_one() -> int:
        hub.write(grey(100))
        async for picture in hub.watch("styled"):
            return picture.turn
        return 0

    turns = [asyncio.run(asyncio.wait_for(watch_one(), 5)) for _ in range(3)]
    assert turns == [1, 2, 3]
    hub.write(grey(100))
    hub.close()


def test_the_registry_opens_it_by_its_name():
    hub = open_sink("web", Video(48, 64, 30.0))
    assert isinstance(hub, WebSink)
    assert not hub.lossless
    hub.discard()
    assert hub.closed
