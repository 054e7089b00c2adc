//! More of what nobody could tell us about the vendor: the rarer readings, as switches.
//!
//! Unlike those in `settings.rs`, most of these stand at the reading that the documents suggest;
//! tests turn them one by one. Where the other reading would make a promise of ours impossible
//! (a comment that is stripped hides every sent mail from its probe), that is what the test shows.

use std::ops::RangeInclusive;

/// Whether the comments in an email's HTML part survive its sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HtmlComment {
    /// They do.
    Kept,
    /// They are not in the stored content. What was accepted had them.
    Stripped,
}

/// The form in which several chosen values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListBox {
    /// As they were written.
    List,
    /// As one text, joined by commas.
    Joined,
}

/// What becomes of a value of a date, list box, drill-down or user field that is written back in
/// the form it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteBack {
    /// It is kept.
    Kept,
    /// It is kept in another form (in capitals, so that a comparison notices).
    Altered,
    /// 400.
    Refused,
}

/// What deleting a card meets that an active subscription charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardInUse {
    /// It goes, and the subscription keeps its id.
    Orphaned,
    /// 409.
    Refused,
}

/// The words of closed lists: statuses, providers, kinds, results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Those that the description lists.
    Known,
    /// A word that nobody knows stands for each of them.
    New,
}

/// The shape of an error of the application's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorShape {
    /// As described for the version.
    Described,
    /// `{"message":…}` in v2, too: as recorded in 2024.
    Bare,
    /// With the members of a Java exception around it, as the v1 schema allows.
    Trace,
}

/// The switches.
#[derive(Debug, Clone)]
pub struct Oddities {
    /// Comments in mail.
    pub html_comment: HtmlComment,
    /// Reads of list boxes.
    pub list_box: ListBox,
    /// Values written back.
    pub write_back: WriteBack,
    /// Deleting a card that is charged.
    pub card_in_use: CardInUse,
    /// Words of closed lists.
    pub words: Words,
    /// The shape of an error's body.
    pub error_shape: ErrorShape,
    /// Seconds for which reads show the custom fields as they were before a write by the API. The
    /// write's own answer is never late.
    pub field_delay: RangeInclusive<u32>,
}

impl Default for Oddities {
    fn default() -> Self {
        Self {
            html_comment: HtmlComment::Kept,
            list_box: ListBox::List,
            write_back: WriteBack::Kept,
            card_in_use: CardInUse::Orphaned,
            words: Words::Known,
            error_shape: ErrorShape::Described,
            field_delay: 0..=0,
        }
    }
}
