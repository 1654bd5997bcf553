"""Each training draws its own random numbers, whoever else draws."""

from __future__ import annotations

import threading

import torch

from nnviz.train.random_state import RandomStream

CPU = torch.device("cpu")


def drawn(seed: int, count: int) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, generator=generator).item() for _ in range(count)]


def draw(stream: RandomStream) -> float:
    with stream:
        return torch.rand(1).item()


def test_a_stream_is_that_of_its_seed_whatever_is_drawn_outside() -> None:
    stream = RandomStream(CPU, 5)
    values = []
    for _ in range(6):
        values.append(draw(stream))
        stream.release()
        torch.rand(7)
    assert values == drawn(5, 6)


def test_outside_nothing_is_noticed() -> None:
    torch.manual_seed(42)
    expected = [torch.rand(1).item() for _ in range(4)]
    torch.manual_seed(42)
    stream, got = RandomStream(CPU, 5), []
    for _ in range(4):
        draw(stream)
        stream.release()
        got.append(torch.rand(1).item())
    assert got == expected


def test_two_streams_take_turns_without_being_released() -> None:
    one, other = RandomStream(CPU, 1), RandomStream(CPU, 2)
    torch.manual_seed(42)
    before = torch.get_rng_state()
    values = [(draw(one), draw(other)) for _ in range(5)]
    assert [value for value, _ in values] == drawn(1, 5)
    assert [value for _, value in values] == drawn(2, 5)
    one.release()
    other.release()
    assert torch.equal(torch.get_rng_state(), before)


def test_captured_and_restored_held_or_not() -> None:
    stream = RandomStream(CPU, 3)
    draw(stream)
    captured = stream.capture()
    following = [draw(stream) for _ in range(3)]
    stream.restore(captured)
    assert [draw(stream) for _ in range(3)] == following
    stream.release()
    stream.restore(captured)
    assert [draw(stream) for _ in range(3)] == following
    stream.release()


def test_a_given_state_is_gone_on_from() -> None:
    generator = torch.Generator().manual_seed(8)
    torch.rand(10, generator=generator)
    stream = RandomStream(CPU, 0, generator.get_state())
    assert draw(stream) == torch.rand(1, generator=generator).item()
    stream.release()


def test_streams_on_two_threads_wait_for_each_other() -> None:
    results: dict[int, list[float]] = {}

    def work(seed: int) -> None:
        stream = RandomStream(CPU, seed)
        results[seed] = [draw(stream) for _ in range(200)]
        stream.release()

    threads = [threading.Thread(target=work, args=(seed,), name=f"nnviz-draws-{seed}") for seed in (11, 12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {seed: drawn(seed, 200) for seed in (11, 12)}
