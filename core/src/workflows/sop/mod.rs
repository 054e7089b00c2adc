//! Which sentence of the clinic's documents is carried out where.
//!
//! Every sentence of both documents stands in [`SENTENCES`] once, in the document's order. A test
//! walks the documents with it: a sentence that nobody has thought about can't hide, and a step
//! that carries out nothing of the documents can't either.

mod sentences;

pub use sentences::SENTENCES;

/// One of the two source documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Document {
    /// SOP A: following up on a missed check-in.
    MissedCheckIn,
    /// SOP B (SOP-V-2006): converting an online client to in-person.
    MoveToClinic,
}

/// A sentence and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// Where it stands.
    pub document: Document,
    /// It, to the character.
    pub text: &'static str,
    /// Where it is carried out.
    pub place: Place,
}

/// Where a sentence is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// By a step that is built: procedure and step.
    Step(&'static str, &'static str),
    /// A text: the script, and the step of `missed_check_in` that uses it.
    Script(&'static str, &'static str),
    /// An exception to the procedure: how it is kept.
    Exception(&'static str),
    /// No step of its own, by the reading of the document: which one, or what keeps it.
    Reading(&'static str),
    /// By a step that is not built yet.
    Later(&'static str),
    /// A heading, a reason, or what the page shows around the document.
    NoInstruction,
}

#[cfg(test)]
mod tests;
