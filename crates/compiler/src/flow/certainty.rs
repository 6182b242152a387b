//! How sure a fact is, and what becomes of that where paths meet and follow each other.

/// How sure something is at a place. Below, `-` is that nothing on the path says anything: it is as it was before.
///
/// Where two paths meet, [`Certainty::join`]; a path that says nothing weakens the other one:
///
/// | | `Revoked` | `MaybeRevoked` | `Maybe` | `Yes` | - |
/// |---|---|---|---|---|---|
/// | **`Revoked`** | `Revoked` | `MaybeRevoked` | `Maybe` | `Maybe` | `MaybeRevoked` |
/// | **`MaybeRevoked`** | `MaybeRevoked` | `MaybeRevoked` | `Maybe` | `Maybe` | `MaybeRevoked` |
/// | **`Maybe`** | `Maybe` | `Maybe` | `Maybe` | `Maybe` | `Maybe` |
/// | **`Yes`** | `Maybe` | `Maybe` | `Maybe` | `Yes` | `Maybe` |
///
/// Where what the row says happens after what the column says, [`Certainty::then`]:
///
/// | | `Revoked` | `MaybeRevoked` | `Maybe` | `Yes` | - |
/// |---|---|---|---|---|---|
/// | **`Revoked`** | `Revoked` | `Revoked` | `Revoked` | `Revoked` | `Revoked` |
/// | **`MaybeRevoked`** | `Revoked` | `MaybeRevoked` | `Maybe` | `Maybe` | `MaybeRevoked` |
/// | **`Maybe`** | `Maybe` | `Maybe` | `Maybe` | `Yes` | `Maybe` |
/// | **`Yes`** | `Yes` | `Yes` | `Yes` | `Yes` | `Yes` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// On no path any more.
    Revoked,
    /// On some paths no more, on the others as before.
    MaybeRevoked,
    /// On some paths.
    Maybe,
    /// On every path.
    Yes,
}

impl Certainty {
    /// Whether it holds on some path.
    pub fn is_possible(self) -> bool {
        matches!(self, Self::Maybe | Self::Yes)
    }

    /// Whether it says all: what came before does not matter.
    pub(super) fn is_sure(self) -> bool {
        matches!(self, Self::Yes | Self::Revoked)
    }

    /// What holds where either path was taken.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left,
            (Self::Revoked, Self::MaybeRevoked) | (Self::MaybeRevoked, Self::Revoked) => Self::MaybeRevoked,
            _ => Self::Maybe,
        }
    }

    /// What holds where this happened after the other.
    pub(super) fn then(self, earlier: Self) -> Self {
        match (self, earlier) {
            (sure, _) if sure.is_sure() => sure,
            (Self::Maybe, Self::Yes) => Self::Yes,
            (Self::MaybeRevoked, Self::Revoked) => Self::Revoked,
            (Self::MaybeRevoked, Self::MaybeRevoked) => Self::MaybeRevoked,
            _ => Self::Maybe,
        }
    }

    /// The same, on some paths only.
    pub(super) fn weaken(self) -> Self {
        match self {
            Self::Yes | Self::Maybe => Self::Maybe,
            Self::Revoked | Self::MaybeRevoked => Self::MaybeRevoked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Certainty::{self, Maybe, MaybeRevoked, Revoked, Yes};

    const ALL: [Certainty; 4] = [Revoked, MaybeRevoked, Maybe, Yes];

    #[test]
    fn paths_meet_as_the_table_says() {
        let table = [
            [Revoked, MaybeRevoked, Maybe, Maybe],
            [MaybeRevoked, MaybeRevoked, Maybe, Maybe],
            [Maybe, Maybe, Maybe, Maybe],
            [Maybe, Maybe, Maybe, Yes],
        ];
        for (row, left) in table.into_iter().zip(ALL) {
            assert_eq!(ALL.map(|right| left.join(right)), row, "{left:?}");
        }
        assert_eq!(ALL.map(Certainty::weaken), [MaybeRevoked, MaybeRevoked, Maybe, Maybe]);
    }

    #[test]
    fn what_happens_later_counts_as_the_table_says() {
        let table =
            [[Revoked, Revoked, Revoked, Revoked], [Revoked, MaybeRevoked, Maybe, Maybe], [Maybe, Maybe, Maybe, Yes], [Yes, Yes, Yes, Yes]];
        for (row, later) in table.into_iter().zip(ALL) {
            assert_eq!(ALL.map(|earlier| later.then(earlier)), row, "{later:?}");
        }
    }
}
