//! A clinic that had a list until its portal got an interface: the switch is a few lines of configuration.

use clear_relay::engine::commands::{cases, import};
use clear_relay::engine::sync::reconcile;
use clear_relay::wiring::check_ins::import::list_file;
use relay_core::case::CaseStatus;
use relay_core::workflow::Action;
use serde_json::json;

use crate::edge::clinic::{Clinic, Person};
use crate::support::invariants::assert_invariants;

const PORTAL: &str = "[clear_connection]\nmode = \"on\"";
const LIST: &str = "[check_ins]\nfrom = \"list\"\ncoaches = { coach_beth = \"Beth <beth@clinic.example.test>\" }\n\
                    [clear_connection]\nmode = \"off\"";

fn with_a_list(text: &str) -> String {
    assert!(text.contains(PORTAL));
    text.replacen(PORTAL, LIST, 1)
}

/// The list had the portal's own ids, of clients, of check-ins and of coaches.
#[tokio::test]
async fn a_clinic_that_goes_from_its_list_to_the_portal_keeps_its_follow_ups() {
    let mut clinic = Clinic::open_with(|setup| setup.amend = with_a_list).await;
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    let maya = Person::maya();
    let jo = Person::jo();
    clinic.join(&maya);
    clinic.join(&jo);
    clinic.until("2026-11-04 07:00").await;
    let mut file = "client,first_name,last_name,email,contact,coach,check_in,due\n".to_owned();
    for person in [&maya, &jo] {
        let (id, first, contact) = (person.id, person.first.expect("a name"), person.contact);
        let email = person.email();
        let row = format!("{id},{first},Hayes,{email},{contact},coach_beth,ci_{id},2026-11-03");
        file.push_str(&row);
        file.push('\n');
    }
    let file = list_file(file.as_bytes()).expect("a file");
    let engine = clinic.world.relay.engine.clone();
    let taken = import::import(&engine, file.source, &file.bodies, "Robin").await;
    taken.expect("taken in");
    clinic.until("2026-11-04 11:00").await;
    for person in [&maya, &jo] {
        clinic.keap(
            json!({ "act": "complete_task", "contact": person.contact, "text": "Answer: done" }),
        );
    }
    clinic.until("2026-11-05 12:00").await;
    let cases = [clinic.case(&maya).await.id, clinic.case(&jo).await.id];
    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.portal(json!({ "act": "switch" }));
    let done = clinic
        .world
        .reconfigure(|text| text.replacen(LIST, PORTAL, 1));
    done.await.expect("a restart");
    // What the portal knows counts from now on, though no event told of it.
    clinic.until("2026-11-09 18:00").await;
    assert_eq!(
        clinic.outreach(&jo),
        Vec::<String>::new(),
        "she has checked in"
    );
    assert_eq!(
        clinic.case(&maya).await.id,
        cases[0],
        "the same case goes on"
    );
    assert_eq!(clinic.count("portal_message"), 0, "her coach has sent it");
    assert_eq!(clinic.count("email"), 1);
    let jos = clinic.cases(&jo).await;
    assert_eq!((jos.len(), jos[0].id), (1, cases[1]));
    assert!(
        matches!(jos[0].status, CaseStatus::Closed { .. }),
        "{:?}",
        jos[0].status
    );
    // The next check-in is the portal's to tell, and the first message the relay's.
    clinic.check_in_due("jo", "ci_next", "2026-11-10");
    clinic.until("2026-11-11 12:00").await;
    assert_eq!(clinic.outreach(&jo), ["11 09:00 portal_message"]);
    assert_invariants(clinic.store().as_ref(), clinic.world.now()).await;
}

/// The list had ids of its own: its cases are closed first, and who is overdue in the portal is found there.
#[tokio::test]
async fn a_clinic_whose_list_had_other_ids_closes_its_cases_and_begins_in_the_portal() {
    let mut clinic = Clinic::open_with(|setup| setup.amend = with_a_list).await;
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    let maya = Person::maya();
    clinic.join(&maya);
    clinic.until("2026-11-04 07:00").await;
    let file = "client,first_name,email,contact,coach,due\n\
                c-1,Maya,maya@example.test,201,coach_beth,2026-11-03\n";
    let file = list_file(file.as_bytes()).expect("a file");
    let engine = clinic.world.relay.engine.clone();
    let taken = import::import(&engine, file.source, &file.bodies, "Robin").await;
    taken.expect("taken in");
    clinic.until("2026-11-04 08:00").await;
    let open = clinic
        .store()
        .open_cases(&"c-1".into())
        .await
        .expect("cases");
    let reason = "the portal tells from now on".to_owned();
    let close = Action::Close { reason };
    let closed = cases::decide_case(&engine, open[0].id, "Robin", close).await;
    closed.expect("closed");
    clinic.until("2026-11-04 08:10").await;
    clinic.portal(json!({ "act": "switch" }));
    let done = clinic
        .world
        .reconfigure(|text| text.replacen(LIST, PORTAL, 1));
    done.await.expect("a restart");
    let at_once = reconcile::reconcile(&clinic.world.relay.engine, false).await;
    at_once.expect("a comparison");
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let open = clinic
        .store()
        .open_cases(&"c-1".into())
        .await
        .expect("cases");
    assert!(open.is_empty(), "{open:?}");
    assert_invariants(clinic.store().as_ref(), clinic.world.now()).await;
}
