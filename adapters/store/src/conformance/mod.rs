//! The suite every store must pass: one function per promise of the port.
//!
//! A store crate runs it with one line in a test file, given a function that makes an empty store
//! and whatever must live as long as it does (a temporary directory, a database name):
//!
//! ```text
//! async fn make() -> (Arc<dyn Store>, TempDir) { … }
//! relay_store::conformance_tests!(crate::make);
//! ```
//!
//! How a newcomer adds a promise: write the function in the file of its topic and its name in the
//! list below. A function that is not in the list is dead code, which the compiler reports.
//!
//! Times, ids and order are fixed: a failure is the same failure every time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken promise ends the test that checks it"
)]

mod make;

macro_rules! behaviors {
    ($d:tt $($topic:ident { $($name:ident),* $(,)? })*) => {
        $(mod $topic;)*

        /// The promises, by topic. Run through [`conformance_tests!`](crate::conformance_tests).
        pub mod checks {
            $(
                #[doc = concat!("What a store promises about ", stringify!($topic), ".")]
                pub mod $topic {
                    $(
                        #[doc = concat!("See the name. Panics if it is not so: `", stringify!($name), "`.")]
                        pub async fn $name(store: &dyn $crate::Store) {
                            super::super::$topic::$name(store).await;
                        }
                    )*
                }
            )*
        }

        /// One `#[tokio::test]` for each promise, in a module for each topic. Takes the absolute
        /// path of a function that makes an empty store: see [`conformance`](crate::conformance).
        #[macro_export]
        macro_rules! conformance_tests {
            ($d make:path) => {
                $(
                    mod $topic {
                        $(
                            #[tokio::test]
                            async fn $name() {
                                let (store, keep) = $d make().await;
                                $crate::conformance::checks::$topic::$name(store.as_ref()).await;
                                drop(keep);
                            }
                        )*
                    }
                )*
            };
        }
    };
}

behaviors! { $
    receipts {
        a_receipt_comes_back_byte_for_byte,
        a_vendors_id_stays_taken_for_ever,
        another_body_under_a_vendors_id_is_no_duplicate,
        a_body_hash_is_taken_only_while_unread,
        the_same_key_of_another_source_is_another_event,
        duplicates_are_told_in_the_order_of_the_receipts,
        a_receipt_leaves_the_queue_once,
        receipts_are_listed_oldest_first,
        what_one_key_let_in_can_be_listed,
        a_fact_is_known_once,
        a_fact_is_its_clients_own_and_a_state_is_what_it_says,
        facts_come_by_source_time_then_learning,
        clients_are_listed_once_by_what_was_told_of_them,
        a_receipt_shows_the_facts_it_taught,
    }
    cases {
        a_case_comes_back_in_every_status,
        a_client_has_one_open_case_per_procedure,
        a_closed_case_is_not_opened_beside_another,
        a_case_is_replaced_only_by_its_next_version,
        a_required_version_must_be_the_stored_one,
        open_cases_come_oldest_first,
        cases_come_newest_change_first,
        open_cases_are_walked_through_in_pages,
        a_history_is_kept_in_order,
    }
    views {
        a_clients_view_is_its_parts,
        an_effects_view_is_its_parts,
        an_effect_whose_case_is_gone_has_a_view_all_the_same,
        a_view_has_the_cases_that_changed_last,
    }
    effects {
        an_effect_comes_back_as_planned,
        the_same_plan_is_one_effect,
        a_key_is_never_reused_for_other_content,
        an_intent_is_given_once,
        an_intent_must_be_the_next_revision,
        only_a_planned_effect_gets_an_intent,
        an_intents_outcome_is_told_once,
        intents_come_by_revision,
        an_effect_moves_only_from_where_it_was_seen,
        a_move_keeps_or_replaces_the_request,
        probes_are_counted_while_unclear,
        cancelling_takes_a_planned_effect_and_its_job,
        cancelling_keeps_how_an_effect_ended,
        cancelling_leaves_what_may_have_been_sent,
        cancelling_leaves_a_running_job,
        what_may_have_been_carried_out_is_withdrawn,
        a_desired_state_is_cancelled_whatever_was_asked_for,
    }
    effect_lists {
        what_is_one_thing_to_the_client_is_found_under_every_key,
        effects_come_in_order_of_planning,
        a_task_is_found_by_the_effect_that_made_it,
        the_latest_of_a_client_is_told_by_kind,
        vendor_references_are_those_of_done_effects,
        effects_in_doubt_are_walked_through_in_pages,
        an_effect_belongs_to_what_it_was_planned_for,
    }
    jobs {
        a_job_comes_back_as_queued,
        the_same_key_is_one_job,
        a_rescheduled_job_is_ready_with_its_new_payload,
        a_running_job_is_not_rescheduled,
        a_woken_job_will_run_no_later_than_asked,
        ready_jobs_are_walked_through_in_pages,
        a_finished_run_leaves_the_job_as_its_end_says,
        only_failures_count,
        every_run_has_its_attempt,
        a_stale_fence_changes_nothing,
        a_required_fence_must_be_held,
        a_stopped_job_is_ready_again_after_replay,
        a_ready_job_is_made_due_by_replay,
        running_and_done_jobs_are_not_replayed,
        a_job_is_cancelled_unless_running_or_done,
        cancelling_by_key_never_conflicts,
        jobs_are_filtered_and_come_by_lane_then_order,
        what_has_failed_in_a_lane_and_is_tried_again_is_found_by_the_lane,
        old_attempts_are_not_kept_for_ever,
    }
    deferrals {
        a_deferral_lasts_until_the_next_end,
        a_deferral_outlives_what_is_no_end,
        a_new_wish_begins_without_a_deferral,
        an_error_keeps_its_vendor,
    }
    leases {
        only_due_jobs_are_claimed_in_order,
        a_claim_takes_no_more_than_its_limit,
        a_lane_runs_one_job_at_a_time,
        a_lane_keeps_its_order_among_those_due,
        a_lane_is_free_after_every_end,
        a_claim_may_name_its_lane,
        every_claim_raises_the_fence,
        a_claimed_job_still_tells_why_it_was_put_off,
        workers_share_neither_jobs_nor_lanes,
        a_lease_is_renewed_only_by_its_holder,
        a_rescue_takes_back_what_has_expired,
        rescues_in_a_row_are_counted,
        a_suspect_runs_alone,
        a_suspect_runs_alone_in_a_claim_of_its_lane_too,
        only_named_kinds_are_claimed,
        a_worker_hands_back_its_own_jobs,
        the_next_due_time_is_that_of_a_ready_job,
        health_counts_what_is_there,
    }
    work {
        a_work_item_comes_back_as_opened,
        the_same_wish_is_one_open_item,
        an_item_is_settled_once,
        what_needs_an_open_item_is_refused_once_it_is_settled,
        a_case_settles_its_items,
        open_items_of_a_client_are_told_oldest_first,
        an_item_is_settled_by_its_key,
        reminders_are_counted_and_may_change_the_owner,
        open_items_come_by_due_time,
        a_cases_items_come_oldest_first,
        an_item_is_found_by_its_key_also_when_settled,
        a_reminder_is_queued_with_its_own_item_only,
        open_items_are_walked_through_in_pages,
        a_list_in_an_item_grows_and_shrinks_by_name,
    }
    directory {
        a_link_is_replaced_and_forgotten,
        a_contact_knows_its_client,
        a_contact_is_one_client,
        a_coach_is_replaced,
        a_setting_is_replaced_or_kept,
        settings_are_listed_by_the_beginning_of_their_names,
        a_procedure_version_never_changes,
        the_audit_log_comes_newest_first,
    }
    credentials {
        a_credential_comes_back_as_stored,
        a_pair_is_replaced_only_by_the_next_one,
        a_refresh_under_way_is_uncertain_and_nobody_elses,
        a_lease_that_has_ended_goes_to_who_asks,
        a_refresh_that_brought_nothing_frees_the_lease,
        a_late_holder_settles_nothing_but_keeps_what_it_was_given,
        a_dead_credential_is_refreshed_no_more_and_connected_anew,
        an_authorization_is_used_once,
        a_new_authorization_replaces_the_one_before,
    }
    incidents {
        incidents_are_replaced_only_from_the_version_they_were_read_in,
        of_two_who_read_the_same_incidents_one_replaces_them,
        incidents_come_by_vendor,
    }
    pace {
        a_pace_is_replaced_only_from_the_version_it_was_read_in,
        of_two_who_read_the_same_pace_one_replaces_it,
        paces_come_by_vendor,
    }
    engagement {
        an_event_comes_back_as_told_oldest_first,
        what_is_read_twice_is_one_event,
        what_is_posted_twice_is_one_event,
        a_post_without_a_name_is_told_apart_by_its_time_only,
        what_is_read_completes_what_was_posted,
        a_post_confirms_what_was_read,
        only_contacts_of_clients_with_an_open_case_are_watched,
        an_address_is_replaced_and_may_be_gone,
    }
    batches {
        an_empty_batch_is_carried_out,
        a_batch_is_carried_out_in_order,
        a_batch_that_fails_at_its_end_leaves_nothing_behind,
        a_long_batch_is_carried_out_in_order,
        a_long_batch_is_all_or_nothing,
    }
}
