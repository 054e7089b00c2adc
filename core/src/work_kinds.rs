//! The kinds of work item: what a person can be asked or told, and by what it is stored, filtered and settled.
//!
//! Who sees which, and where its words are made, stands with all other texts that people see in `tests/it/texts.toml`
//! of the relay; a test holds it against this list, and finds a kind that is spelled anywhere else.
//!
//! A name is stored: it never changes, and is never used for anything else.

/// Makes the constants and the list of them from one list, so that none can lack a member.
macro_rules! kinds {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// Every kind, with the name of its constant.
        pub const ALL: [(&str, &str); [$($name),*].len()] = [$((stringify!($constant), $name)),*];
    };
}

kinds! {
    /// Somebody looks at a contact after a write.
    ALARM = "alarm";
    /// A message is about to go out in the coach's name, and she can stop it.
    ASK_FIRST = "ask_first";
    /// A check-in that was overdue before the relay began, or otherwise never followed up.
    BACKLOG = "backlog";
    /// What a person has to know about a subscription, or to do about it.
    BILLING = "billing";
    /// A client's break has ended, or begun, in a follow-up.
    BREAK = "break";
    /// How a follow-up goes on after its second wait.
    BY_HAND = "by_hand";
    /// What came of a call.
    CALL_OUTCOME = "call_outcome";
    /// A card that somebody has to look at.
    CARD = "card";
    /// The relay runs without a CRM, and ran with one before.
    CRM_OFF = "crm_off";
    /// This machine's clock differs from the vendors'.
    CLOCK = "clock";
    /// A vendor lets the relay in no more, or soon will not.
    CONNECTION = "connection";
    /// A client is shown as coming to the clinic.
    CONTACT_TYPE = "contact_type";
    /// A row that can't be read.
    DAMAGE = "damage";
    /// A job that was given up.
    DEAD_JOB = "dead_job";
    /// What a vendor sends or refuses to show is not what the relay was told to expect.
    DRIFT = "drift";
    /// A fee runs although its program has ended.
    FEE = "fee";
    /// Something informational is held.
    HELD = "held";
    /// A step is held.
    HOLD = "hold";
    /// The holidays that are known run out.
    HOLIDAYS = "holidays";
    /// Webhook subscriptions that the relay can't keep alive.
    HOOKS = "hooks";
    /// A failure of a vendor that many cases meet.
    INCIDENT = "incident";
    /// Such a failure is over.
    INCIDENT_OVER = "incident_over";
    /// Which contact a client is.
    LINK = "link";
    /// The list of who is expected has fallen silent.
    LIST_SILENT = "list_silent";
    /// What may have gone out before an older copy of the database came back.
    MEMORY = "memory";
    /// A check-in is due in a break.
    OPEN_BREAK = "open_break";
    /// A message crossed a check-in or a reply.
    OVERLAP = "overlap";
    /// A follow-up that somebody has paused.
    PAUSED = "paused";
    /// A delivery that can't be used.
    RECEIPT = "receipt";
    /// A client has written.
    REPLY = "reply";
    /// A message that only the coach can send.
    SEND_BY_HAND = "send_by_hand";
    /// A case that has not moved for a month.
    STALE = "stale";
    /// A status that the relay does not know.
    STATUS_WORD = "status_word";
    /// Every channel to a client is stopped.
    STOPPED = "stopped";
    /// The same where nobody is followed up.
    STOPPED_CLIENT = "stopped_client";
    /// A stopped follow-up that has ended.
    STOPPED_ENDED = "stopped_ended";
    /// A case that waits for nothing any more.
    STUCK = "stuck";
    /// The transition call is all that is left.
    TRANSITION_CALL = "transition_call";
    /// A check-in that was missed, and nobody knows which day it was due.
    UNDATED = "undated";
    /// The portal tells of a client whom it does not show.
    UNKNOWN_CLIENT = "unknown_client";
    /// Nobody can tell whether something was done.
    UNSETTLED = "unsettled";
    /// Work waits for a vendor.
    VENDOR = "vendor";
    /// The number on file is wrong.
    WRONG_NUMBER = "wrong_number";
    /// A client has written since a step was asked for.
    WROTE_SINCE = "wrote_since";
}
