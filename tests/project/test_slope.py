"""The soak's verdict on a series of samples."""

from __future__ import annotations

import random

import pytest
from endurance.slope import MIB, descriptors_are_flat, fit, memory_is_flat


def test_a_line_is_fitted() -> None:
    trend = fit([0.0, 0.0, 0.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0])
    assert (trend.level, trend.rise) == (14.0, 8.0)


def test_noise_is_flat_and_a_leak_is_not() -> None:
    noise = random.Random(1)
    steady = [50 * MIB + noise.uniform(-MIB, MIB) for _ in range(60)]
    leaking = [value + index * MIB / 10 for index, value in enumerate(steady)]
    assert memory_is_flat(fit(steady))
    assert not memory_is_flat(fit(leaking))


def test_warming_up_is_no_leak() -> None:
    assert memory_is_flat(fit([10.0 * MIB, 30.0 * MIB] + [50.0 * MIB] * 10))


def test_descriptors() -> None:
    assert descriptors_are_flat(fit([40.0, 42.0] * 10))
    assert not descriptors_are_flat(fit([40.0 + 5 * index for index in range(20)]))


def test_too_short_is_said() -> None:
    with pytest.raises(ValueError, match="soak for longer"):
        fit([1.0, 2.0, 3.0])
