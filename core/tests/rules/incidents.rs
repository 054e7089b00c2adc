//! When failures that many cases meet are one incident, and when it is over.

use relay_core::effects::{Audience, EffectKind};
use relay_core::ids::{ClientId, JobId};
use relay_core::incidents::{
    Answered, Capability, IncidentClass, IncidentNumbers, Meeting, Met, QUIET, Scope,
    VendorIncidents,
};
use relay_core::random::SeededRandom;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};

const MAIL: Scope = Scope::Only(Capability::SendMail);
const NO_ANSWER: IncidentClass = IncidentClass::NoAnswer;
const REJECTED: IncidentClass = IncidentClass::Rejected;

fn minute(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

fn job(number: u64) -> JobId {
    JobId::new(&SeededRandom::new(number), Timestamp::UNIX_EPOCH)
}

/// A vendor, and what is met at it.
#[derive(Default)]
struct Vendor(VendorIncidents);

impl Vendor {
    /// The job of client `who` fails at `at`, and would come again so many minutes later.
    fn fails(
        &mut self,
        (class, scope): (IncidentClass, Scope),
        who: u64,
        at: i64,
        again: Option<i64>,
    ) -> Met {
        let client = ClientId::from(format!("client{who}").as_str());
        let meeting = Meeting {
            class,
            scope,
            client: Some(&client),
            job: job(who),
            again: again.map(|minutes| minute(at + minutes)),
        };
        self.0
            .met(&meeting, IncidentNumbers::standard(), minute(at))
    }

    /// Opens by three clients at `at`.
    fn opens(&mut self, what: (IncidentClass, Scope), at: i64, again: Option<i64>) {
        for who in 1..=3 {
            self.fails(what, who, at, again);
        }
        assert!(self.0.is_open(what.0));
    }

    fn works(&mut self, capability: Capability, at: i64) -> Answered {
        self.0
            .answered(&[capability], &[], IncidentNumbers::standard(), minute(at))
    }
}

fn opened(met: Met) -> bool {
    matches!(met, Met::Held { opened: true, .. })
}

fn held(met: Met) -> bool {
    matches!(met, Met::Held { .. })
}

#[test]
fn three_clients_within_ten_minutes_open_it_once_and_two_do_not() {
    let mut vendor = Vendor::default();
    let what = (NO_ANSWER, MAIL);
    assert_eq!(vendor.fails(what, 1, 0, Some(0)), Met::Own);
    assert_eq!(vendor.fails(what, 1, 1, Some(0)), Met::Own, "the same one");
    assert_eq!(vendor.fails(what, 2, 5, Some(0)), Met::Own);
    assert_eq!(vendor.0.told().count(), 0);
    assert!(opened(vendor.fails(what, 3, 11, Some(0))));
    let later = vendor.fails(what, 4, 12, Some(0));
    assert!(held(later) && !opened(later));
    let (_, episode) = vendor.0.told().next().expect("an incident");
    assert_eq!(episode.since(), Some(minute(0)));
    assert_eq!(episode.scopes(), [MAIL]);
}

#[test]
fn who_met_it_longer_ago_than_ten_minutes_and_tries_no_more_does_not_count() {
    let mut vendor = Vendor::default();
    let what = (REJECTED, MAIL);
    vendor.fails(what, 1, 0, None);
    vendor.fails(what, 2, 5, None);
    assert_eq!(vendor.fails(what, 3, 16, None), Met::Own);
}

#[test]
fn who_waits_to_try_again_meets_it_until_then() {
    let mut vendor = Vendor::default();
    let what = (NO_ANSWER, MAIL);
    vendor.fails(what, 1, 0, Some(60));
    vendor.fails(what, 2, 30, Some(60));
    assert!(opened(vendor.fails(what, 3, 69, Some(60))));
}

#[test]
fn clients_whose_own_fault_it_is_among_others_that_go_well_are_no_incident() {
    let mut vendor = Vendor::default();
    let what = (REJECTED, MAIL);
    for who in 1..=6 {
        assert_eq!(vendor.fails(what, who, 0, None), Met::Own, "{who}");
        vendor.works(Capability::SendMail, 0);
    }
    // What works is something else.
    for who in 1..=3 {
        vendor.works(Capability::ReadContacts, 1);
        assert_eq!(held(vendor.fails(what, who, 1, None)), who == 3);
    }
}

#[test]
fn another_class_and_another_capability_keep_their_own_count() {
    let mut vendor = Vendor::default();
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    let tags = Scope::Only(Capability::ChangeTags);
    assert_eq!(vendor.fails((NO_ANSWER, tags), 4, 1, Some(1)), Met::Own);
    assert_eq!(vendor.fails((REJECTED, MAIL), 4, 1, None), Met::Own);
}

#[test]
fn a_whole_vendor_that_is_down_is_the_same_incident_as_what_was_seen_of_it_first() {
    let mut vendor = Vendor::default();
    vendor.opens(
        (NO_ANSWER, Scope::Only(Capability::ReadContacts)),
        0,
        Some(1),
    );
    for who in 4..=6 {
        assert!(!opened(vendor.fails(
            (NO_ANSWER, Scope::Everything),
            who,
            1,
            Some(1)
        )));
    }
    let tags = Scope::Only(Capability::ChangeTags);
    assert!(held(vendor.fails((NO_ANSWER, tags), 7, 2, Some(1))));
    assert_eq!(vendor.0.told().count(), 1);
    let (_, episode) = vendor.0.told().next().expect("an incident");
    assert_eq!(episode.scopes(), [Scope::Everything]);
}

#[test]
fn three_successes_in_a_row_end_it_and_a_failure_between_begins_anew() {
    let mut vendor = Vendor::default();
    let what = (NO_ANSWER, MAIL);
    vendor.opens(what, 0, Some(1));
    assert!(vendor.works(Capability::SendMail, 1).counted);
    assert!(vendor.works(Capability::SendMail, 2).counted);
    vendor.fails(what, 9, 3, Some(1));
    for at in 4..=5 {
        let answered = vendor.works(Capability::SendMail, at);
        assert!(answered.counted && !answered.ended);
    }
    assert!(vendor.works(Capability::SendMail, 6).ended);
    assert!(!vendor.0.is_open(NO_ANSWER));
}

#[test]
fn what_comes_and_goes_is_one_incident_and_is_over_after_an_hour_without_it() {
    let mut vendor = Vendor::default();
    let what = (NO_ANSWER, MAIL);
    for round in 0..5 {
        let at = round * 40;
        for who in 1..=3 {
            let met = vendor.fails(what, who, at, Some(1));
            assert_eq!(opened(met), round == 0 && who == 3);
        }
        for _ in 0..3 {
            vendor.works(Capability::SendMail, at + 1);
        }
        assert_eq!(vendor.0.look(NO_ANSWER, false, minute(at + 2)), None);
    }
    let end = minute(161) + QUIET;
    assert_eq!(vendor.0.look(NO_ANSWER, true, end), None, "something waits");
    let over = vendor.0.look(NO_ANSWER, false, end).expect("over");
    assert_eq!(over.since(), Some(minute(0)));
    assert_eq!(over.answered_at(), Some(minute(161)));
    assert!(vendor.0.is_empty());
}

#[test]
fn what_nobody_meets_any_more_ends_unless_something_waits() {
    let mut vendor = Vendor::default();
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    assert_eq!(vendor.0.look(NO_ANSWER, true, minute(600)), None);
    assert!(vendor.0.is_open(NO_ANSWER));
    assert_eq!(vendor.0.look(NO_ANSWER, false, minute(60)), None);
    assert!(vendor.0.is_open(NO_ANSWER), "not long enough");
    assert_eq!(vendor.0.look(NO_ANSWER, false, minute(130)), None);
    assert!(!vendor.0.is_open(NO_ANSWER));
    let over = vendor.0.look(NO_ANSWER, false, minute(191)).expect("over");
    assert!(over.is_unproven(), "nobody says that it works");
    assert_eq!(over.met_last(), Some(minute(0)));
}

#[test]
fn one_at_a_time_tries_to_write_at_growing_distance_and_mail_more_rarely() {
    let mut vendor = Vendor::default();
    let notes = Scope::Only(Capability::WriteNotes);
    vendor.opens((NO_ANSWER, notes), 0, Some(1));
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    let mut tries = |capability| {
        let asked = (0..24 * 60).filter(|at| vendor.0.try_write(capability, minute(*at)).is_ok());
        asked.count()
    };
    let (mails, notes) = (tries(Capability::SendMail), tries(Capability::WriteNotes));
    assert!((4..=8).contains(&mails), "{mails}");
    assert!((20..=70).contains(&notes), "{notes}");
    assert_eq!(
        tries(Capability::ChangeTags),
        24 * 60,
        "nothing is wrong with them"
    );
}

#[test]
fn after_a_first_success_everybody_may_write() {
    let mut vendor = Vendor::default();
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    assert!(vendor.0.try_write(Capability::SendMail, minute(1)).is_err());
    assert!(vendor.0.try_write(Capability::SendMail, minute(61)).is_ok());
    assert!(
        vendor
            .0
            .try_write(Capability::SendMail, minute(62))
            .is_err()
    );
    vendor.works(Capability::SendMail, 62);
    assert!(vendor.0.try_write(Capability::SendMail, minute(62)).is_ok());
    assert!(vendor.0.try_write(Capability::SendMail, minute(62)).is_ok());
}

#[test]
fn who_is_refused_for_good_once_more_after_it_has_ended_is_refused_alone() {
    let mut vendor = Vendor::default();
    let what = (REJECTED, MAIL);
    vendor.opens(what, 0, None);
    vendor.0.hold(REJECTED, job(3), minute(5));
    for _ in 0..3 {
        vendor.works(Capability::SendMail, 6);
    }
    assert_eq!(vendor.fails(what, 3, 7, None), Met::Own);
    assert_eq!(vendor.fails(what, 3, 7, None), Met::Own);
}

#[test]
fn those_that_had_given_up_before_are_named() {
    let mut vendor = Vendor::default();
    vendor.opens((REJECTED, MAIL), 0, None);
    let episode = vendor.0.of_mut(REJECTED).expect("an incident");
    assert_eq!(episode.given_up(), [job(1), job(2)], "the third is held");
    episode.taken_up(job(1));
    assert_eq!(episode.given_up(), [job(2)]);
}

#[test]
fn what_is_nobodys_opens_nothing_and_belongs_to_what_is_open() {
    let mut vendor = Vendor::default();
    let of_nobody = |number| Meeting {
        class: NO_ANSWER,
        scope: Scope::Only(Capability::KeepHooks),
        client: None,
        job: job(number),
        again: Some(minute(1)),
    };
    for number in 10..20 {
        let met = vendor
            .0
            .met(&of_nobody(number), IncidentNumbers::standard(), minute(0));
        assert_eq!(met, Met::Own);
    }
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    let met = vendor
        .0
        .met(&of_nobody(30), IncidentNumbers::standard(), minute(0));
    assert!(held(met));
}

#[test]
fn what_is_nobodys_does_not_belong_to_what_is_refused_elsewhere() {
    let mut vendor = Vendor::default();
    vendor.opens((REJECTED, MAIL), 0, None);
    let hooks = Meeting {
        class: REJECTED,
        scope: Scope::Only(Capability::KeepHooks),
        client: None,
        job: job(30),
        again: Some(minute(1)),
    };
    let numbers = IncidentNumbers::standard();
    assert_eq!(vendor.0.met(&hooks, numbers, minute(1)), Met::Own);
    // A vendor that does not answer is another matter, and is asked less and less often.
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    let unanswered = Meeting {
        class: NO_ANSWER,
        ..hooks
    };
    let mut pauses = [2, 400].map(|at| match vendor.0.met(&unanswered, numbers, minute(at)) {
        Met::Held { pause, .. } => pause,
        Met::Own => panic!("it is not held"),
    });
    pauses.sort();
    assert_eq!(pauses[1], SignedDuration::from_hours(1));
}

#[test]
fn who_is_refused_again_and_again_while_others_are_not_is_told_of_herself() {
    let mut vendor = Vendor::default();
    let what = (REJECTED, MAIL);
    vendor.opens(what, 0, None);
    vendor.0.hold(REJECTED, job(3), minute(1));
    assert!(held(vendor.fails(what, 1, 1, None)));
    assert!(vendor.works(Capability::SendMail, 2).counted);
    // Known to be refused: that says nothing against what works.
    assert!(held(vendor.fails(what, 3, 3, None)));
    assert!(held(vendor.fails(what, 1, 4, None)));
    assert!(vendor.works(Capability::SendMail, 5).counted);
    assert_eq!(vendor.fails(what, 3, 6, None), Met::Own, "the third time");
    assert_eq!(vendor.fails(what, 1, 7, None), Met::Own, "the third time");
    assert!(vendor.works(Capability::SendMail, 8).ended);
}

#[test]
fn what_is_refused_for_good_is_held_for_a_day_and_no_longer() {
    for class in [
        REJECTED,
        IncidentClass::Forbidden,
        IncidentClass::Unreadable,
    ] {
        let mut vendor = Vendor::default();
        vendor.opens((class, MAIL), 0, None);
        for hour in 0..24 {
            assert!(held(vendor.fails((class, MAIL), 1, 1 + hour * 60, None)));
        }
        let day = 24 * 60 + 1;
        assert_eq!(vendor.fails((class, MAIL), 1, day, None), Met::Own);
        assert!(held(vendor.fails((class, MAIL), 5, day, None)), "a new one");
        let (_, episode) = vendor.0.told().next().expect("an incident");
        assert!(episode.waiting().all(|held| held.job != job(1)));
    }
    // Where nobody answers there is nothing of anybody's own.
    let mut vendor = Vendor::default();
    vendor.opens((NO_ANSWER, MAIL), 0, Some(1));
    for hour in 0..100 {
        let met = vendor.fails((NO_ANSWER, MAIL), 1, hour * 60, Some(1));
        assert!(held(met), "{hour}");
    }
}

#[test]
fn what_changes_money_and_is_rejected_is_never_held() {
    let of_money = EffectKind::ALL
        .into_iter()
        .filter(|kind| kind.audience() == Audience::Billing);
    let mut found = 0;
    for kind in of_money {
        found += 1;
        let scope = Scope::Only(Capability::of_effect(kind));
        let mut vendor = Vendor::default();
        for who in 0..9 {
            assert_eq!(vendor.fails((REJECTED, scope), who, 0, None), Met::Own);
        }
        assert_eq!(vendor.0.told().count(), 0);
    }
    assert!(found > 0);
}

#[test]
fn a_meeting_that_has_lapsed_is_not_the_beginning_of_a_later_incident() {
    let mut vendor = Vendor::default();
    vendor.fails((REJECTED, MAIL), 1, 0, None);
    vendor.opens((REJECTED, MAIL), 100, None);
    let (_, episode) = vendor.0.told().next().expect("an incident");
    assert_eq!(episode.since(), Some(minute(100)));
}

#[test]
fn a_clock_that_ran_ahead_does_not_keep_it() {
    let mut vendor = Vendor::default();
    vendor.opens((NO_ANSWER, MAIL), 60 * 24 * 365, Some(1));
    assert!(vendor.0.try_write(Capability::SendMail, minute(0)).is_err());
    assert!(
        vendor
            .0
            .try_write(Capability::SendMail, minute(241))
            .is_ok()
    );
    assert_eq!(vendor.0.look(NO_ANSWER, false, minute(0)), None);
    vendor.0.look(NO_ANSWER, false, minute(121));
    assert!(!vendor.0.is_open(NO_ANSWER));
}

#[test]
fn what_is_stored_is_read_again() {
    let mut vendor = Vendor::default();
    vendor.opens((REJECTED, MAIL), 0, None);
    vendor.opens((NO_ANSWER, Scope::Everything), 0, Some(1));
    vendor.0.hold(NO_ANSWER, job(1), minute(5));
    let stored = serde_json::to_value(&vendor.0).expect("a document");
    let read: VendorIncidents = serde_json::from_value(stored).expect("read");
    assert_eq!(read, vendor.0);
    serde_json::from_value::<VendorIncidents>(serde_json::json!({})).expect("of nothing");
}

#[test]
fn a_failure_says_something_of_the_vendor_or_of_what_was_asked() {
    let of = IncidentClass::of;
    let again = Class::Retryable { after: None };
    for (class, status, known) in [
        (again, Some(500), Some(NO_ANSWER)),
        (again, None, Some(NO_ANSWER)),
        (Class::NotSent, None, Some(NO_ANSWER)),
        (Class::Unclear, Some(502), Some(NO_ANSWER)),
        (Class::Unclear, Some(409), None),
        (
            Class::Unauthorised,
            Some(401),
            Some(IncidentClass::Credential),
        ),
        (Class::Unauthorised, None, Some(IncidentClass::Credential)),
        (Class::Permanent, Some(403), Some(IncidentClass::Forbidden)),
        (Class::Permanent, Some(422), Some(REJECTED)),
        (Class::Permanent, Some(404), None),
        (Class::Permanent, None, None),
        (Class::Permanent, Some(200), Some(IncidentClass::Unreadable)),
    ] {
        assert_eq!(of(class, status), known, "{class:?} {status:?}");
    }
    for class in IncidentClass::ALL {
        assert_eq!(IncidentClass::from_name(class.as_str()), Some(class));
        assert_eq!(serde_json::to_value(class).expect("a name"), class.as_str());
    }
}
