import threading
import time

import numpy as np
import pytest

from edge.errors import SinkError, SourceError, StylecamError
from edge.pipeline import Look, Pipeline, Slot
from edge.pixels import Frame
from tests.fakes import Camera, Negative, Recorder


def finish(pipeline: Pipeline, timeout_s: float = 20.0) -> Pipeline:
    pipeline.start()
    assert pipeline.wait(timeout_s), "the pipeline did not end"
    return pipeline


def sequences(sink: Recorder) -> list[int]:
    return [frame.sequence for frame in sink.frames]


def test_a_file_to_a_file_loses_no_frame_however_slow_each_part_is():
    sink = Recorder(lossless=True, delay_s=0.003)
    finish(Pipeline(Camera(60, live=False), Look(Negative(delay_s=0.002), 1.0), [sink]))
    assert sequences(sink) == list(range(60))
    assert sink.closed
    assert not sink.discarded


def test_a_live_camera_drops_old_frames_when_the_engine_is_slow():
    sink = Recorder()
    pipeline = finish(Pipeline(Camera(100, fps=500), Look(Negative(delay_s=0.02), 1.0), [sink]))
    counts = pipeline.health.report().counts
    assert counts["captured"] == 100
    assert counts["styled"] + counts["dropped before the engine"] == 100
    assert counts["dropped before the engine"] > 50
    assert sequences(sink) == sorted(sequences(sink))


def test_a_sink_that_hangs_does_not_hold_up_another():
    freed = threading.Event()

    class Hanging(Recorder):
        def write(self, frame: Frame) -> None:
            freed.wait(20)
            super().write(frame)

    quick, hanging = Recorder(), Hanging()
    pipeline = Pipeline(Camera(), Look(Negative(), 1.0), [quick, hanging])
    pipeline.start()
    while len(quick.frames) < 50:
        time.sleep(0.001)
    assert not hanging.frames
    freed.set()
    pipeline.stop()
    assert pipeline.wait(5)
    assert pipeline.health.report().counts["dropped by sinks"] >= 48


def test_a_file_that_nobody_keeps_plays_at_its_own_rate():
    sink = Recorder()
    began = time.monotonic()
    finish(Pipeline(Camera(25, fps=50, live=False), Look(Negative(), 1.0), [sink]))
    assert time.monotonic() - began >= 0.4
    assert sink.frames


def test_frames_are_styled_mixed_and_carry_what_the_camera_saw():
    sink = Recorder(lossless=True)
    finish(Pipeline(Camera(3, live=False), Look(Negative(), 0.5), [sink]))
    last = sink.frames[2]
    assert last.original is not None
    assert (last.original == 2).all()
    assert np.abs(last.pixels.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("size", [(48, 64), (36, 64), (96, 40)])
def test_a_frame_of_another_shape_comes_out_in_its_own_proportions(size):
    class Odd(Camera):
        height, width = size

    sink = Recorder(lossless=True)
    finish(Pipeline(Odd(1, live=False), Look(Negative(), 1.0), [sink]))
    height, width = sink.frames[0].pixels.shape[:2]
    assert abs(height / width - size[0] / size[1]) < 0.03
    assert sink.frames[0].original.shape == (height, width, 3)


def test_the_limit_of_frames_is_exact():
    sink = Recorder(lossless=True)
    finish(Pipeline(Camera(live=False), Look(Negative(), 1.0), [sink], frames=7))
    assert sequences(sink) == list(range(7))
    assert sink.closed


def test_the_look_changes_between_two_frames_without_losing_any():
    sink = Recorder(lossless=True, delay_s=0.002)
    pipeline = Pipeline(Camera(100, live=False), Look(Negative(), 0.0), [sink])
    pipeline.start()
    while len(sink.frames) < 20:
        time.sleep(0.001)
    pipeline.look = Look(Negative(96, 128), 1.0)
    assert pipeline.wait(20)
    shapes = [frame.pixels.shape for frame in sink.frames]
    assert sequences(sink) == list(range(100))
    assert shapes[0] == (48, 64, 3)
    assert shapes[-1] == (96, 128, 3)


def test_a_lost_camera_is_said_and_opened_again():
    sink = Recorder()
    opened: list[int] = []
    states: list[str] = []

    def reopen() -> Camera:
        states.append(pipeline.health.report().state)
        opened.append(1)
        if len(opened) == 1:
            raise SourceError("still gone", hint="plug it in")
        return Camera(10)

    pipeline = Pipeline(Camera(fails_at=5), Look(Negative(), 1.0), [sink], reopen=reopen)
    finish(pipeline)
    assert len(opened) == 2
    assert states == ["camera lost", "camera lost"]
    assert 10 <= len(sink.frames) <= 15
    assert pipeline.health.report().state == "ended"


def test_a_broken_file_ends_with_its_error_and_leaves_nothing_behind():
    sink = Recorder(lossless=True)
    pipeline = Pipeline(
        Camera(fails_at=5, live=False), Look(Negative(), 1.0), [sink], reopen=Camera
    )
    pipeline.start()
    with pytest.raises(SourceError, match="pulled"):
        pipeline.wait(20)
    assert sink.discarded
    assert not sink.closed
    assert pipeline.health.report().state == "failed"


def test_a_full_disk_ends_everything_with_its_error():
    full, other = Recorder(lossless=True, full_at=3), Recorder(lossless=True)
    pipeline = Pipeline(Camera(live=False), Look(Negative(), 1.0), [full, other])
    pipeline.start()
    with pytest.raises(SinkError, match="disk is full"):
        pipeline.wait(20)
    assert full.discarded
    assert other.discarded


def test_a_bug_in_an_engine_is_reported_as_ours(caplog):
    class Broken(Negative):
        def __call__(self, pixels):
            raise ZeroDivisionError("oops")

    pipeline = Pipeline(Camera(live=False), Look(Broken(), 1.0), [Recorder()])
    pipeline.start()
    with pytest.raises(StylecamError, match="internal error: ZeroDivisionError"):
        pipeline.wait(20)
    assert "oops" in caplog.text


def test_stopping_a_conversion_discards_it_and_stopping_a_recording_keeps_it():
    for live in (False, True):
        sink = Recorder(lossless=True, delay_s=0.001)
        pipeline = Pipeline(Camera(live=live), Look(Negative(), 1.0), [sink])
        pipeline.start()
        while len(sink.frames) < 5:
            time.sleep(0.001)
        pipeline.stop()
        assert pipeline.wait(5)
        assert (sink.closed, sink.discarded) == (live, not live)


def test_stop_ends_a_pipeline_whose_camera_is_lost_at_once():
    pipeline = Pipeline(Camera(fails_at=0), Look(Negative(), 1.0), [Recorder()], reopen=Camera)
    pipeline.start()
    began = time.monotonic()
    pipeline.stop()
    assert pipeline.wait(5)
    assert time.monotonic() - began < 1


def test_no_thread_outlives_its_pipeline():
    finish(Pipeline(Camera(5), Look(Negative(), 1.0), [Recorder()]))
    time.sleep(0.05)
    alive = {thread.name for thread in threading.enumerate()}
    assert not alive & {"capture", "engine", "sink", "finish"}


def test_a_slot_keeps_the_newest_frame_and_counts_the_loss():
    slot = Slot(waits=False)
    first, second = (Frame(np.zeros((1, 1, 3), np.uint8), n, 0) for n in (1, 2))
    assert slot.put(first)
    assert not slot.put(second)
    assert slot.take() is second
    slot.close()
    assert slot.take() is None
    assert not slot.put(first)


def test_a_recording_is_finished_though_its_camera_has_gone_silent():
    silent, freed = threading.Event(), threading.Event()

    class Silent(Camera):
        def frames(self):
            for frame in super().frames():
                yield frame
                if frame.sequence == 3:
                    silent.set()
                    freed.wait(20)

    sink = Recorder(lossless=True)
    pipeline = Pipeline(Silent(), Look(Negative(), 1.0), [sink])
    pipeline.start()
    assert silent.wait(5)
    pipeline.stop()
    try:
        assert pipeline.wait(2), "it waited for the camera"
        assert sink.closed
    finally:
        freed.set()


def test_a_pipeline_that_never_ran_leaves_nothing_behind():
    sink = Recorder(lossless=True)
    pipeline = Pipeline(Camera(), Look(Negative(), 1.0), [sink])
    pipeline.stop()
    assert pipeline.wait(0)
    assert sink.discarded
