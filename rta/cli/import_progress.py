"""The progress of `rta import`: over the bytes of all files."""

from __future__ import annotations

from attrs import define, field

__all__ = ["ImportProgress"]


@define
class ImportProgress:
    """How far several files are."""

    sizes: list[int]
    """Bytes of each."""
    shares: dict[int, float] = field(factory=dict)
    """Of each, from 0 to 1, by its number."""
    samples: dict[int, int] = field(factory=dict)
    done: int = 0

    @property
    def share(self) -> float:
        whole = sum(self.sizes)
        return sum(self.sizes[i] * share for i, share in self.shares.items()) / whole if whole else 1.0

    def text(self) -> str:
        """The progress in words."""
        return f"{self.done} of {len(self.sizes)} files, {sum(self.samples.values()) / 1e6:.1f} million samples"
