//! Misconfigurations at the vendors, and vendors that are not as the configuration thinks.

use relay_core::time::SignedDuration;
use relay_keap::emulator::{Act, KeyHeader, NewField, NewProduct, NewUser};
use serde_json::json;

use super::{Case, each_is_found_alone};
use crate::support::tools::Tools as _;

#[tokio::test]
async fn a_key_that_is_refused_or_may_not_everything_is_found() {
    each_is_found_alone(&[
        Case {
            name: "a revoked key",
            spoil: |p| p.keap(Act::RevokeKeys),
            area: "crm",
            severity: "fault",
            what: &["keap.key is refused by Keap (401)"],
            remedy: "Settings, API",
        },
        Case {
            name: "the other header",
            spoil: |p| {
                let keap = &p.world.vendors.keap();
                keap.configure(|settings| settings.key_header = KeyHeader::ApiKey);
            },
            area: "crm",
            severity: "fault",
            what: &["keap.header is \"bearer\"", "\"x-keap-api-key\" only"],
            remedy: "keap.header = \"x-keap-api-key\"",
        },
        Case {
            name: "bearer after all",
            spoil: |p| {
                p.write("[keap]", "[keap]\nheader = \"x-keap-api-key\"");
                let keap = &p.world.vendors.keap();
                keap.configure(|settings| settings.key_header = KeyHeader::Bearer);
            },
            area: "crm",
            severity: "fault",
            what: &["keap.header is \"x-keap-api-key\"", "\"bearer\" only"],
            remedy: "keap.header = \"bearer\"",
        },
        Case {
            name: "no right to subscriptions",
            spoil: |p| p.answers("keap", "list_subscriptions", 403),
            area: "crm",
            severity: "fault",
            what: &["may not read subscriptions (403)"],
            remedy: "the right to subscriptions",
        },
        Case {
            name: "no right to products, which hides the fee",
            spoil: |p| p.answers("keap", "list_products", 403),
            area: "crm",
            severity: "fault",
            what: &["may not read products (403)"],
            remedy: "the right to products",
        },
        Case {
            name: "an address at which something else answers",
            spoil: |p| p.answers_with("keap", "userinfo", 404, "<html>Page not found</html>"),
            area: "crm",
            severity: "fault",
            what: &["keap.base_url", "not Keap's interface", "404"],
            remedy: "keap.base_url = \"https://api.keap.com/crm\"",
        },
        Case {
            name: "an outage",
            spoil: |p| p.answers("keap", "userinfo", 503),
            area: "crm",
            severity: "warning",
            what: &["Keap could not be asked", "503"],
            remedy: "status page",
        },
        Case {
            name: "a day's requests used up",
            spoil: |p| {
                let keap = &p.world.vendors.keap();
                keap.configure(|settings| settings.limits.per_day = 5);
            },
            area: "quota",
            severity: "fault",
            what: &["0 of 5 requests are left"],
            remedy: "a key of its own",
        },
    ])
    .await;
}

/// The contact type found by name and tab, not by id.
fn by_name(patient: &mut super::Patient) {
    let from = patient.config.find("contact_type_field").expect("a line");
    let end = from + patient.config[from..].find('\n').expect("its end");
    patient.config.replace_range(from..end, "");
}

#[tokio::test]
async fn a_contact_type_field_that_is_not_the_one_is_found() {
    each_is_found_alone(&[
        Case {
            name: "no field of this id",
            spoil: |p| {
                by_name(p);
                p.write("[keap]", "[keap]\ncontact_type_field = { id = \"999\" }");
            },
            area: "contact_type",
            severity: "fault",
            what: &["no custom field with id 999"],
            remedy: "keap.contact_type_field.id",
        },
        Case {
            name: "no field of this name",
            spoil: |p| {
                by_name(p);
                p.write(
                    "[keap]",
                    "[keap]\ncontact_type_field = { name = \"Client Kind\" }",
                );
            },
            area: "contact_type",
            severity: "fault",
            what: &["no custom field \"Client Kind\" on the tab \"Clear Connection\""],
            remedy: "make a drop-down \"Client Kind\" for contacts on the tab \"Clear Connection\"",
        },
        Case {
            name: "no such tab",
            spoil: |p| {
                by_name(p);
                p.write(
                    "[keap]",
                    "[keap]\ncontact_type_field = { tab = \"Elsewhere\" }",
                );
            },
            area: "contact_type",
            severity: "fault",
            what: &["no custom-field tab named \"Elsewhere\""],
            remedy: "Settings, Custom Fields",
        },
        Case {
            name: "two fields of this name",
            spoil: |p| {
                by_name(p);
                p.keap(Act::AddField(NewField {
                    label: "Contact Type".to_owned(),
                    tab: Some("Clear Connection".to_owned()),
                    ..NewField::default()
                }));
            },
            area: "contact_type",
            severity: "fault",
            what: &["several custom fields fit"],
            remedy: "keap.contact_type_field.id = \"ID\"",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_contact_type_field_of_another_kind_is_found() {
    each_is_found_alone(&[
        Case {
            name: "a text, not a list",
            spoil: |p| {
                by_name(p);
                p.write(
                    "[keap]",
                    "[keap]\ncontact_type_field = { name = \"Skin Goal\" }",
                );
            },
            area: "contact_type",
            severity: "fault",
            what: &["is of type TEXT"],
            remedy: "drop-down",
        },
        Case {
            name: "a list without In-Person to the letter",
            spoil: |p| {
                by_name(p);
                p.keap(Act::AddField(NewField {
                    label: "Kind".to_owned(),
                    field_type: Some("DROPDOWN".to_owned()),
                    options: vec!["Online".to_owned(), "In Person".to_owned()],
                    tab: Some("Clear Connection".to_owned()),
                    ..NewField::default()
                }));
                p.write("[keap]", "[keap]\ncontact_type_field = { name = \"Kind\" }");
            },
            area: "contact_type",
            severity: "fault",
            what: &["\"In Person\"", "not \"In-Person\""],
            remedy: "add the option \"In-Person\"",
        },
        Case {
            name: "an id that belongs to another name",
            spoil: |p| {
                p.write(
                    "contact_type_field = {",
                    "contact_type_field = { name = \"Kind\",",
                );
            },
            area: "contact_type",
            severity: "warning",
            what: &["calls that field \"Contact Type\", not \"Kind\""],
            remedy: "keap.contact_type_field.name",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_fee_that_is_not_what_it_was_is_found() {
    each_is_found_alone(&[
        Case {
            name: "an unknown product",
            spoil: |p| p.write("product_ids = [\"10\"]", "product_ids = [\"10\", \"77\"]"),
            area: "coaching_fee",
            severity: "fault",
            what: &["keap.coaching.product_ids names \"77\"", "no such product"],
            remedy: "A15",
        },
        Case {
            name: "an unknown plan",
            spoil: |p| {
                p.write(
                    "product_ids = [\"10\"]",
                    "product_ids = [\"10\"], plan_ids = [\"11\", \"99\"]",
                );
            },
            area: "coaching_fee",
            severity: "fault",
            what: &["keap.coaching.plan_ids names \"99\"", "no such plan"],
            remedy: "A15",
        },
        Case {
            name: "a renamed product",
            spoil: |p| {
                p.keap(Act::RenameProduct {
                    product: 10,
                    name: "Skin Bundle".to_owned(),
                });
            },
            area: "coaching_fee",
            severity: "warning",
            what: &["product 10 is called \"Skin Bundle\""],
            remedy: "keap.coaching.product_ids",
        },
        Case {
            name: "a product of the same name",
            spoil: |p| {
                p.keap(Act::AddProduct(NewProduct {
                    id: Some(30),
                    name: "Monthly Coaching Support Fee".to_owned(),
                    plan: None,
                }));
            },
            area: "coaching_fee",
            severity: "warning",
            what: &["product 30", "\"Monthly Coaching Support Fee\", too"],
            remedy: "add \"30\"",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_coach_whom_keap_does_not_know_is_found_by_her_id() {
    each_is_found_alone(&[
        Case {
            name: "no user",
            spoil: |p| {
                p.portal(json!({ "act": "add_coach", "id": "coach-3", "name": "Cleo",
                                 "email": "cleo@clinic.test" }));
            },
            area: "coaches",
            severity: "fault",
            what: &["coach coach-3 is no user of Keap"],
            remedy: "Settings, Users",
        },
        Case {
            name: "acting for a coach whom nobody knows",
            spoil: |p| {
                let line = "[procedures.missed_check_in]\nact_for = [\"Beth\"]";
                p.write("[procedures.missed_check_in]", line);
            },
            area: "procedure",
            severity: "fault",
            what: &["act_for names \"Beth\"", "no coach with that id"],
            remedy: "there are coach-1, coach-2 (`clear-relay coaches list`",
        },
        Case {
            name: "a manager without a user",
            spoil: |p| {
                let line = "program_manager_user = \"sam@clinic.test\"";
                p.write("program_manager_user = \"alex@clinic.test\"", line);
            },
            area: "people",
            severity: "fault",
            what: &[
                "the Program Manager is no user of Keap",
                "people.program_manager_user",
            ],
            remedy: "Settings, Users",
        },
        Case {
            name: "an inactive user",
            spoil: |p| {
                p.portal(json!({ "act": "add_coach", "id": "coach-3", "name": "Cleo",
                                 "email": "cleo@clinic.test" }));
                p.keap(Act::AddUser(NewUser {
                    email: "cleo@clinic.test".to_owned(),
                    status: Some("INACTIVE".to_owned()),
                    ..NewUser::default()
                }));
            },
            area: "coaches",
            severity: "fault",
            what: &["coach coach-3", "her status is INACTIVE"],
            remedy: "make her active",
        },
        Case {
            name: "two users",
            spoil: |p| {
                p.keap(Act::AddUser(NewUser {
                    email: "beth@clinic.test".to_owned(),
                    ..NewUser::default()
                }));
            },
            area: "coaches",
            severity: "fault",
            what: &["coach coach-1", "2 active users"],
            remedy: "leave one of them active",
        },
        Case {
            name: "no address",
            spoil: |p| {
                p.portal(json!({ "act": "add_coach", "id": "coach-3", "name": "Cleo",
                                 "email": "" }));
            },
            area: "coaches",
            severity: "fault",
            what: &["coach coach-3 has no address in the portal"],
            remedy: "into the portal",
        },
        Case {
            name: "a deputy whom the portal doesn't know",
            spoil: |p| {
                p.config
                    .push_str("[people.deputies]\ncoach-1 = \"coach-9\"\n");
            },
            area: "people",
            severity: "warning",
            what: &["people.deputies names \"coach-9\""],
            remedy: "A25",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_portal_that_refuses_or_lacks_a_call_is_found() {
    each_is_found_alone(&[
        Case {
            name: "a wrong token",
            spoil: |p| p.write("sandbox-portal-token", "another-token"),
            area: "portal",
            severity: "fault",
            what: &["clear_connection.token is refused by the portal (401)"],
            remedy: "clear_connection.token_file",
        },
        Case {
            name: "messages are declared and not there",
            spoil: |p| p.answers("portal", "list_messages", 404),
            area: "portal",
            severity: "fault",
            what: &["clear_connection.capabilities.messages is true", "404"],
            remedy: "clear_connection.capabilities.messages = false",
        },
        Case {
            name: "notes are declared and not there",
            spoil: |p| p.answers("portal", "list_notes", 501),
            area: "portal",
            severity: "fault",
            what: &["clear_connection.capabilities.notes is true", "501"],
            remedy: "clear_connection.capabilities.notes = false",
        },
        Case {
            name: "no list of check-ins",
            spoil: |p| p.answers("portal", "list_open_check_ins", 404),
            area: "portal",
            severity: "fault",
            what: &["does not answer GET /check-ins as agreed"],
            remedy: "openapi.yaml",
        },
        Case {
            name: "a wrong address",
            spoil: |p| p.write("https://portal.test/", "https://portal.test/wrong/"),
            area: "portal",
            severity: "fault",
            what: &["clear_connection.base_url", "404"],
            remedy: "GET /coaches",
        },
        Case {
            name: "an outage",
            spoil: |p| p.answers("portal", "list_coaches", 503),
            area: "portal",
            severity: "warning",
            what: &["the portal could not be asked", "503"],
            remedy: "try again",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_found_at_each_vendor() {
    for (ahead, severity) in [(45, "warning"), (-45, "warning"), (400, "fault")] {
        let mut patient = super::Patient::healthy().await;
        patient.ahead = SignedDuration::from_secs(ahead);
        let said = patient.examined(&super::DoctorArgs::default()).await;
        let serious = said.serious();
        // Both vendors say the same, so it is this machine.
        assert_eq!(serious.len(), 2, "{serious:#?}");
        for found in serious {
            assert_eq!(
                (&found["area"], &found["severity"]),
                (&json!("clock"), &json!(severity))
            );
            let word = if ahead > 0 { "behind" } else { "ahead of" };
            assert!(
                found["what"].as_str().expect("a text").contains(word),
                "{found}"
            );
        }
    }
}

#[tokio::test]
async fn a_tenant_in_another_zone_is_found_and_another_name_of_the_same_is_not() {
    each_is_found_alone(&[Case {
        name: "another zone",
        spoil: |p| {
            let keap = &p.world.vendors.keap();
            keap.configure(|settings| settings.time_zone = "America/New_York".to_owned());
        },
        area: "clock",
        severity: "warning",
        what: &["\"America/Denver\"", "\"America/New_York\""],
        remedy: "clinic.zone",
    }])
    .await;
    let patient = super::Patient::healthy().await;
    let keap = &patient.world.vendors.keap();
    keap.configure(|settings| settings.time_zone = "US/Mountain".to_owned());
    let said = patient.examined(&super::DoctorArgs::default()).await;
    assert_eq!(said.serious().len(), 0, "{:#?}", said.document);
}
