//! What the title of a task tells once the relay has completed it.

/// What the title of a task says that the relay completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskClosing {
    /// What it said before: what it asked was done elsewhere than in the task.
    AsItIs,
    /// That the relay took it back.
    TakenBack,
    /// That the message went out of which it told.
    WentOut,
    /// That the message did not go out of which it told.
    NotSent,
}

impl TaskClosing {
    /// Each of them.
    const ALL: [Self; 4] = [Self::AsItIs, Self::TakenBack, Self::WentOut, Self::NotSent];

    /// What the title begins with, for a coach, and for a relay that forgot it.
    pub(crate) const fn said(self) -> Option<&'static str> {
        match self {
            Self::AsItIs => None,
            Self::TakenBack => Some("Closed by Clear Relay: "),
            Self::WentOut => Some("Closed by Clear Relay, it went out: "),
            Self::NotSent => Some("Closed by Clear Relay, it was not sent: "),
        }
    }

    /// What a title is without any of them.
    pub(crate) fn bare(title: &str) -> &str {
        let said = Self::ALL.into_iter().filter_map(Self::said);
        let mut bare = said.filter_map(|said| title.strip_prefix(said));
        bare.next().unwrap_or(title)
    }

    /// Whether a title has one of them.
    pub(crate) fn stands_in(title: &str) -> bool {
        Self::bare(title) != title
    }
}
