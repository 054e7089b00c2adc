//! Custom fields: one is changed and none is lost, whichever way the tenant reads a write.

use std::sync::Arc;

use proptest::prelude::*;
use relay_core::retry::Class;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_keap::emulator::{Act, FieldEcho, ListWrite, ModelMetadata, NewField};
use relay_keap::{
    ContactType, ContactTypeField, CustomFieldsMode, HeaderStyle, KeapClient, Settings,
};
use serde_json::{Value, json};

use super::support::{KEY, MAYA, Setup, settings, setup, setup_with, status};

const MODES: [CustomFieldsMode; 3] = [
    CustomFieldsMode::Full,
    CustomFieldsMode::Single,
    CustomFieldsMode::V1Single,
];
const WRITES: [ListWrite; 2] = [ListWrite::Replace, ListWrite::Merge];

/// A tenant in which v2 and v1 both read a list of fields as `write`, with two more fields.
fn tenant(write: ListWrite, mode: CustomFieldsMode) -> Setup {
    let setup = setup_with(
        |tenant| {
            tenant.custom_fields = write;
            tenant.v1_custom_fields = write;
        },
        mode,
    )
    .with_contact_type();
    setup.add_text_field(8, "Skin type");
    setup.add_text_field(11, "Allergies");
    setup.edits("6", json!("Online"));
    setup.edits("8", json!("dry"));
    setup.edits("11", json!("nickel"));
    setup
}

#[tokio::test]
async fn one_field_changes_and_no_other_under_each_reading_and_in_each_mode() {
    for write in WRITES {
        for mode in MODES {
            let setup = tenant(write, mode);
            let done = setup
                .client
                .set_contact_type(MAYA, "In-Person")
                .await
                .expect("written");
            let after = json!({"6": "In-Person", "8": "dry", "11": "nickel"});
            assert_eq!(setup.fields().await, after, "{write:?} {mode:?}");
            assert!(done.written);
            let before = done.before.as_array().expect("a list").clone();
            assert!(before.contains(&json!({"id": "8", "content": "dry"})));
            let loses = write == ListWrite::Replace && mode != CustomFieldsMode::Full;
            let expected: &[&str] = if loses {
                &["11 (lost, put back)", "8 (lost, put back)"]
            } else {
                &[]
            };
            assert_eq!(done.disturbed, expected, "{write:?} {mode:?}");
            let writes = if loses { 2 } else { 1 };
            assert_eq!(setup.transport.mutating(), writes, "{write:?} {mode:?}");
        }
    }
}

#[tokio::test]
async fn a_field_that_has_the_value_already_is_not_written() {
    let setup = tenant(ListWrite::Replace, CustomFieldsMode::Full);
    let done = setup
        .client
        .set_contact_type(MAYA, "Online")
        .await
        .expect("nothing to do");
    assert!(!done.written);
    assert_eq!(setup.transport.mutating(), 0);
}

#[tokio::test]
async fn an_edit_while_we_write_is_reported_and_never_undone() {
    for mode in [CustomFieldsMode::Single, CustomFieldsMode::V1Single] {
        let setup = tenant(ListWrite::Merge, mode);
        let keap = Arc::clone(&setup.keap);
        setup.transport.before_patch(move || {
            let edit = Act::EditContactField {
                contact: 1001,
                field: "8".to_owned(),
                value: json!("oily"),
            };
            keap.perform(edit).expect("possible");
        });
        let done = setup
            .client
            .set_contact_type(MAYA, "In-Person")
            .await
            .expect("written");
        assert_eq!(done.disturbed, ["8 (changed meanwhile, left as it is)"]);
        let after = json!({"6": "In-Person", "8": "oily", "11": "nickel"});
        assert_eq!(setup.fields().await, after, "{mode:?}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_looked_at_and_its_losses_are_put_back() {
    for (mode, disturbed) in [
        (CustomFieldsMode::Full, 0),
        (CustomFieldsMode::Single, 2),
        (CustomFieldsMode::V1Single, 2),
    ] {
        let setup = tenant(ListWrite::Replace, mode);
        setup.fault("contact_type", Moment::After, FaultAct::Hang);
        let done = setup
            .client
            .set_contact_type(MAYA, "In-Person")
            .await
            .expect("it is there");
        assert_eq!(done.disturbed.len(), disturbed, "{mode:?}");
        let after = json!({"6": "In-Person", "8": "dry", "11": "nickel"});
        assert_eq!(setup.fields().await, after, "{mode:?}");
    }
}

#[tokio::test]
async fn a_write_that_never_arrived_is_unclear_and_changes_nothing() {
    let setup = tenant(ListWrite::Replace, CustomFieldsMode::Single);
    setup.fault("contact_type", Moment::Before, FaultAct::Hang);
    let error = setup
        .client
        .set_contact_type(MAYA, "In-Person")
        .await
        .expect_err("lost");
    assert_eq!(error.class, Class::Unclear);
    let before = json!({"6": "Online", "8": "dry", "11": "nickel"});
    assert_eq!(setup.fields().await, before);
}

#[tokio::test]
async fn a_repair_that_fails_is_reported_with_the_fields_that_are_gone() {
    let setup = tenant(ListWrite::Replace, CustomFieldsMode::Single);
    setup.keap.faults().order(FaultRule {
        operation: "contact_type".to_owned(),
        moment: Moment::Before,
        act: status(500),
        skip: 1,
        times: 1,
    });
    let done = setup
        .client
        .set_contact_type(MAYA, "In-Person")
        .await
        .expect("written");
    assert_eq!(
        done.disturbed,
        ["11 (lost, NOT put back)", "8 (lost, NOT put back)"]
    );
    let before = done.before.as_array().expect("a list").clone();
    assert!(
        before.contains(&json!({"id": "11", "content": "nickel"})),
        "the image has it"
    );
}

#[tokio::test]
async fn a_value_outside_the_drop_down_is_refused_unsent() {
    let setup = tenant(ListWrite::Replace, CustomFieldsMode::Full);
    let error = setup
        .client
        .set_contact_type(MAYA, "in-person")
        .await
        .expect_err("refused");
    assert_eq!(error.class, Class::Permanent);
    assert!(
        error.message.contains("In-Person"),
        "it says what would be right"
    );
    assert_eq!(setup.transport.mutating(), 0);
}

#[tokio::test]
async fn the_field_is_found_among_its_namesakes_with_and_without_metadata() {
    let setup = setup().with_contact_type();
    setup.does(Act::AddField(NewField {
        id: Some(9),
        label: "contact type".to_owned(),
        tab: Some("Old import".to_owned()),
        ..NewField::default()
    }));
    let field = setup.client.contact_type_field().await.expect("one field");
    assert_eq!(field.id, "6");
    assert_eq!(field.options, ["Online", "In-Person"]);

    let bare = setup_with(|t| t.model = ModelMetadata::Null, CustomFieldsMode::Full);
    let bare = bare.with_contact_type();
    let field = bare.client.contact_type_field().await.expect("one field");
    assert_eq!(field.id, "6");
    assert_eq!(field.options, ["Online", "In-Person"], "joined from v1");
}

#[tokio::test]
async fn a_field_that_is_deleted_or_made_anew_meanwhile_is_not_an_emptied_one() {
    let setup = setup().with_contact_type();
    setup.edits("6", json!("In-Person"));
    let shown = setup.client.contact_type(MAYA).await.expect("an answer");
    assert_eq!(shown, ContactType::Shown(Some("In-Person".to_owned())));
    setup.does(Act::DeleteField { field: 6 });
    let gone = setup.client.contact_type(MAYA).await.expect("an answer");
    assert!(matches!(gone, ContactType::NoField(_)), "{gone:?}");
    setup.does(Act::AddField(NewField {
        id: Some(12),
        label: "Contact Type".to_owned(),
        tab: Some("Clear Connection".to_owned()),
        ..NewField::default()
    }));
    setup.edits("12", json!("In-Person"));
    let anew = setup.client.contact_type(MAYA).await.expect("an answer");
    assert_eq!(anew, ContactType::Shown(Some("In-Person".to_owned())));
}

#[tokio::test]
async fn where_two_fields_fit_the_configured_id_decides_and_else_nobody_guesses() {
    let setup = setup_with(|t| t.model = ModelMetadata::Null, CustomFieldsMode::Full);
    let setup = setup.with_contact_type();
    setup.does(Act::AddField(NewField {
        id: Some(9),
        label: "Contact Type".to_owned(),
        tab: Some("Old import".to_owned()),
        ..NewField::default()
    }));
    let error = setup
        .client
        .contact_type_field()
        .await
        .expect_err("two fit");
    assert!(
        error.message.contains("6 (") && error.message.contains("9 ("),
        "{}",
        error.message
    );
    let settings = Settings {
        contact_type: ContactTypeField {
            id: Some("6".to_owned()),
            ..ContactTypeField::default()
        },
        ..settings(KEY, HeaderStyle::Bearer)
    };
    let client =
        KeapClient::new(setup.transport.clone(), setup.clock.clone(), settings).expect("a client");
    let field = client.contact_type_field().await.expect("configured");
    assert_eq!(field.options, ["Online", "In-Person"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_field_is_ever_lost_and_every_loss_is_told(
        values in proptest::collection::btree_map(20_u64..40, "[a-z]{0,6}", 0..8),
        replaces in any::<bool>(),
        echoes_all in any::<bool>(),
        mode in 0..3_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let write = WRITES[usize::from(!replaces)];
        let setup = tenant(write, MODES[mode]);
        let echo = if echoes_all { FieldEcho::AllDefined } else { FieldEcho::OnlySet };
        setup.keap.configure(|tenant| tenant.field_echo = echo);
        let mut expected = json!({"6": "In-Person", "8": "dry", "11": "nickel"});
        for (id, value) in &values {
            setup.add_text_field(*id, &format!("Field {id}"));
            setup.edits(&id.to_string(), json!(value));
            if !value.is_empty() {
                expected[id.to_string()] = json!(value);
            }
        }
        let (done, after) = runtime.block_on(async {
            let done = setup.client.set_contact_type(MAYA, "In-Person").await;
            (done.expect("written"), setup.fields().await)
        });
        let set: Value = after
            .as_object()
            .expect("fields")
            .iter()
            .filter(|(_, value)| **value != json!(""))
            .map(|(id, value)| (id.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        prop_assert_eq!(set, expected);
        let lossy = replaces && MODES[mode] != CustomFieldsMode::Full;
        prop_assert_eq!(done.disturbed.is_empty(), !lossy);
    }
}
