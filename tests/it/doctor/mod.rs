//! The doctor: what it finds in a clinic that was made ill on purpose, and what `init` leaves to
//! be filled in.

mod away;
mod here;
mod init;
mod patient;
mod serve;
mod subscriptions;
mod whole;

use clear_relay::cli::doctor::DoctorArgs;
use patient::Patient;

/// One deliberate misconfiguration and what must be said of it.
struct Case {
    name: &'static str,
    spoil: fn(&mut Patient),
    area: &'static str,
    severity: &'static str,
    /// What the sentence must hold.
    what: &'static [&'static str],
    /// What the remedy must hold.
    remedy: &'static str,
}

/// Each case alone in a clinic of its own: exactly its finding, and nothing else that is serious.
async fn each_is_found_alone(cases: &[Case]) {
    for case in cases {
        let mut patient = Patient::healthy().await;
        (case.spoil)(&mut patient);
        let said = patient.examined(&DoctorArgs::default()).await;
        let serious = said.serious();
        let [found] = serious[..] else {
            panic!("{}: {serious:#?}", case.name);
        };
        let text = |member: &str| found[member].as_str().expect("a text");
        assert_eq!(text("area"), case.area, "{}: {found}", case.name);
        assert_eq!(text("severity"), case.severity, "{}: {found}", case.name);
        for words in case.what {
            assert!(
                text("what").contains(words),
                "{}: {words}: {found}",
                case.name
            );
        }
        assert!(
            text("remedy").contains(case.remedy),
            "{}: {found}",
            case.name
        );
        assert_eq!(said.end.is_err(), case.severity == "fault", "{}", case.name);
    }
}
