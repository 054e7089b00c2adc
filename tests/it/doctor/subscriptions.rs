//! Hook subscriptions that don't reach the relay.

use relay_keap::emulator::Act;

use super::patient::HookAct;
use super::{Case, each_is_found_alone};
use crate::support::tools::Tools as _;

#[tokio::test]
async fn a_hook_that_does_not_reach_us_is_found() {
    each_is_found_alone(&[
        Case {
            name: "inactive",
            spoil: |p| {
                p.keap(Act::DeactivateHook {
                    event: "task.edit".to_owned(),
                });
            },
            area: "hooks",
            severity: "fault",
            what: &["task.edit is Inactive at Keap"],
            remedy: "clear-relay hooks sync",
        },
        Case {
            name: "missing",
            spoil: |p| p.hook_acts.push(HookAct::Delete("contact.edit")),
            area: "hooks",
            severity: "fault",
            what: &["contact.edit is not subscribed to"],
            remedy: "clear-relay hooks sync",
        },
        Case {
            name: "none of them since the relay moved",
            spoil: |p| p.write("https://relay.test/", "https://new.test/"),
            area: "hooks",
            severity: "fault",
            what: &[
                "contact.edit, contact.delete, task.edit",
                "are sent with our secret to relay.test",
            ],
            remedy: "hooks sync",
        },
        Case {
            name: "not offered",
            spoil: |p| {
                let keap = &p.world.vendors.keap();
                let withheld = vec!["task.complete".to_owned()];
                keap.configure(|settings| settings.unoffered_events = withheld);
            },
            area: "hooks",
            severity: "warning",
            what: &["task.complete is not offered by this account"],
            remedy: "Keap's support",
        },
        Case {
            name: "over http",
            spoil: |p| {
                p.hook_acts.push(HookAct::Delete("task.edit"));
                p.hook_acts
                    .push(HookAct::Make("task.edit", "http://relay.test/"));
            },
            area: "hooks",
            severity: "fault",
            what: &["task.edit is sent to us over http", "unencrypted"],
            remedy: "delete the subscriptions",
        },
        Case {
            name: "to another host",
            spoil: |p| {
                p.hook_acts.push(HookAct::Delete("task.edit"));
                p.hook_acts
                    .push(HookAct::Make("task.edit", "https://old.test/"));
            },
            area: "hooks",
            severity: "fault",
            what: &["task.edit is sent with our secret to old.test"],
            remedy: "change the secret",
        },
        Case {
            name: "twice",
            spoil: |p| {
                p.hook_acts
                    .push(HookAct::Make("task.edit", "https://relay.test/"));
            },
            area: "hooks",
            severity: "warning",
            what: &["task.edit is subscribed to more than once"],
            remedy: "hooks sync",
        },
    ])
    .await;
}
