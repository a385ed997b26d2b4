//! The matrix of faults that noctule is held against, R1 to R22, and the tests that hold it: each row names them, and each
//! name is a test. What cannot be met by this code yet says why.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A fault, and what stands against it.
struct Row {
    number: u8,
    fault: &'static str,
    /// `file::test`, the file as it lies under `tests/it` or `src`, without `.rs`.
    tests: &'static [&'static str],
    /// What of it is not tested, and why.
    open: &'static str,
}

const MATRIX: &[Row] = &[
    Row {
        number: 1,
        fault: "the engine is killed during an approval",
        tests: &[
            "tests/it/store_crash::no_acknowledged_backup_is_lost_by_kill_9",
            "src/engine/users/tests::whoever_changes_a_user_that_was_changed_meanwhile_is_told_so",
        ],
        open: "there are no approvals yet; what any act leaves in the journal before it is answered is what is killed here",
    },
    Row {
        number: 2,
        fault: "the engine is killed during a backup",
        tests: &[
            "tests/it/store_crash::no_acknowledged_backup_is_lost_by_kill_9",
            "tests/it/store_backup::a_copy_that_is_killed_is_none_and_the_store_has_everything",
            "src/store/format::a_migration_that_is_killed_is_done_at_the_next_opening_and_the_copy_is_of_before",
            "tests/it/drain::sigterm_lets_a_backup_end_and_marks_one_that_hangs_as_broken_off",
        ],
        open: "",
    },
    Row {
        number: 3,
        fault: "the engine is killed during a restore or a change of a device",
        tests: &[],
        open: "no command changes a device yet",
    },
    Row {
        number: 4,
        fault: "the power is cut",
        tests: &[
            "tests/it/store_power_cut::no_acknowledged_backup_is_lost_when_the_power_goes",
            "src/store/tests::a_torn_end_is_cut_and_said_and_writing_goes_on",
            "src/store/tests::a_record_that_sled_lost_is_brought_back_before_anybody_reads_the_past",
            "src/store/series/pending::wherever_it_is_cut_what_was_written_before_comes_back",
        ],
        open: "the cut of a whole file system runs where it is asked for (NOCTULE_POWER_CUTS); it tears no sector",
    },
    Row {
        number: 5,
        fault: "the disk is full",
        tests: &[
            "tests/it/full_disk::what_was_acknowledged_survives_a_full_disk_and_work_goes_on_when_there_is_room",
            "tests/it/full_disk::a_running_engine_goes_on_by_itself_when_a_full_disk_has_room_again",
            "tests/it/full_disk::what_cannot_be_journalled_is_refused_before_it_touches_a_device_or_tells_a_secret",
            "tests/it/store_backup::a_full_disk_is_told_and_harms_nothing",
        ],
        open: "",
    },
    Row {
        number: 6,
        fault: "the store is corrupt",
        tests: &[
            "tests/it/store_damage::damage_in_any_file_is_found_mended_or_refused",
            "tests/it/store_damage::damage_at_any_place_is_found_mended_or_refused",
            "tests/it/audit_tampering::a_flipped_bit_is_found_also_where_the_store_does_not_open",
            "src/store/series/segment::whichever_bit_flips_no_other_block_is_lost_and_no_wrong_one_is_believed",
        ],
        open: "",
    },
    Row {
        number: 7,
        fault: "the clock jumps",
        tests: &[
            "tests/it/incident_faults::a_clock_that_is_set_makes_no_incident_and_hides_none",
            "tests/it/incident_faults::a_clock_that_is_set_changes_no_length",
            "tests/it/audit::a_clock_that_ran_backwards_is_flagged_and_its_entry_kept",
            "src/engine/pulse/watch/tests::the_clock_jumps",
            "src/engine/series/tests::a_clock_that_is_set_breaks_nothing",
            "src/engine/notify/tests/rules::a_clock_that_was_set_back_keeps_nothing_waiting_for_years",
            "src/engine/doctor::a_clock_of_1970_is_found",
        ],
        open: "nothing expires yet that an approval would",
    },
    Row {
        number: 8,
        fault: "escape sequences in what devices, files and people say",
        tests: &[
            "tests/it/hostile_output::rubbish_is_clean_in_the_store_in_a_file_and_on_the_screen",
            "tests/it/hostile_device::rubbish_in_an_answer_is_cleaned_and_kept",
            "tests/it/users::a_hostile_name_is_refused_in_words_that_are_clean",
            "src/device/clean::sequences_are_taken_out_and_controls_are_seen",
            "tests/it/attach::an_account_that_is_trusted_says_who_uses_it",
        ],
        open: "",
    },
    Row {
        number: 9,
        fault: "bidi controls, tags, ten thousand marks, wide characters at an edge",
        tests: &[
            "src/model/text::escapes_bidi_and_marks_are_tamed",
            "src/console/term/changes::what_lies_beside_half_a_wide_character_is_drawn_again",
            "tests/it/fuzz::label",
            "tests/it/fuzz::names",
        ],
        open: "",
    },
    Row {
        number: 10,
        fault: "a line of 10 MB, a stream without end or without a line end",
        tests: &[
            "tests/it/hostile_device::a_line_of_ten_megabytes_and_output_without_end_are_too_large",
            "tests/it/hostile_output::what_has_no_end_fails_and_is_kept_only_in_part",
            "src/device/session/tests::a_line_of_ten_megabytes_is_too_large_and_cheap",
        ],
        open: "",
    },
    Row {
        number: 11,
        fault: "GBK, cp1251, KOI8-R, broken UTF-8, cut at every byte",
        tests: &[
            "src/device/clean::character_sets",
            "src/device/clean::it_does_not_matter_where_the_bytes_are_cut",
            "tests/it/fuzz::cleaner",
        ],
        open: "",
    },
    Row {
        number: 12,
        fault: "a device hangs, trickles, floods, closes in the middle of a line, pages for ever",
        tests: &[
            "src/device/session/tests::a_device_that_hangs_or_goes_at_any_step_never_brings_a_good_configuration",
            "src/device/session/tests::output_without_end_is_bounded",
            "tests/it/lost_connection::at_any_step_from_the_login_to_the_last_page",
            "tests/it/hostile_device::an_ssh_server_that_hangs_or_goes_before_the_login_says_where",
        ],
        open: "",
    },
    Row {
        number: 13,
        fault: "another SSH host key, of the same kind or another",
        tests: &[
            "tests/it/engine_trust::a_changed_key_is_refused_until_a_person_trusts_it",
            "tests/it/engine_trust::a_key_that_is_revoked_later_is_refused_and_cannot_be_trusted_again",
            "tests/it/real_peers/openssh_engine::a_changed_host_key_is_refused_until_somebody_trusts_it",
        ],
        open: "trusting is a journalled act of one engineer, not of two people: there are no approvals yet",
    },
    Row {
        number: 14,
        fault: "hostile SNMP",
        tests: &[
            "tests/it/snmp_hostile::malformed_and_truncated_answers_are_no_answers",
            "tests/it/snmp_hostile::another_requests_id_is_no_answer",
            "tests/it/snmp_hostile::an_answer_from_another_address_is_no_answer",
            "tests/it/snmp_hostile::a_table_that_does_not_increase_ends",
            "tests/it/snmp_hostile::an_oversized_answer_is_refused_and_a_long_text_is_cut",
            "tests/it/fuzz::snmp",
        ],
        open: "",
    },
    Row {
        number: 15,
        fault: "two consoles race",
        tests: &[
            "src/engine/users/tests::of_many_who_would_be_first_one_is",
            "src/engine/users/tests::whoever_changes_a_user_that_was_changed_meanwhile_is_told_so",
        ],
        open: "there are no approvals, tickets and device locks yet",
    },
    Row {
        number: 16,
        fault: "the engine goes under a console; a console or its SSH client is killed",
        tests: &[
            "tests/it/attach_terminal::a_console_waits_for_an_engine_that_was_killed_or_stopped",
            "tests/it/attach_terminal::a_client_that_is_killed_leaves_nothing_in_the_engine",
            "tests/it/terminal_signals::signals_give_the_terminal_back_and_leave_nothing",
            "tests/it/terminal_signals::a_window_that_closes_ends_it_and_leaves_nothing",
            "tests/it/terminal_wall::an_attached_wallboard_that_loses_its_terminal_goes_on_and_ends_with_sigterm",
            "tests/broken::a_panic_in_one_of_several_sessions_ends_that_one_alone",
        ],
        open: "",
    },
    Row {
        number: 17,
        fault: "a console that does not read",
        tests: &[
            "tests/it/attach::a_client_that_never_reads_is_dropped",
            "tests/it/attach::a_client_that_takes_nothing_is_told_no_more_than_the_budget",
            "src/server/outgoing::who_does_not_read_is_gone_after_a_while",
            "src/server/outgoing::nobody_is_told_more_than_the_budget_before_it_was_taken",
        ],
        open: "",
    },
    Row {
        number: 18,
        fault: "garbage on the socket, a flood of clients",
        tests: &[
            "tests/it/attach::garbage_and_huge_frames_end_their_own_connection_alone",
            "tests/it/attach::a_flood_of_clients_without_a_word_leaves_room",
            "tests/it/attach::no_input_and_no_cut_of_it_harms_a_session",
            "tests/it/fuzz::wire",
            "src/server/wire::a_length_is_checked_before_there_is_room_for_it",
            "src/engine/sessions::one_account_never_takes_the_room_of_the_others",
            "tests/it/attach_crowd::fifty_clients_of_one_account_that_come_at_once_all_get_in",
            "tests/it/attach_crowd::silent_ones_keep_nobody_out",
            "tests/it/metrics::no_flood_keeps_a_collector_from_its_answer",
        ],
        open: "",
    },
    Row {
        number: 19,
        fault: "absurd sizes of the terminal",
        tests: &["tests/it/attach::absurd_sizes_are_clamped"],
        open: "",
    },
    Row { number: 20, fault: "the message bus fails", tests: &[], open: "there is none yet" },
    Row {
        number: 21,
        fault: "console and engine of different versions; an older program on a newer store",
        tests: &[
            "src/server/hello::another_version_is_told_so_whatever_else_it_says",
            "tests/it/attach::who_may_not_is_refused_with_a_sentence",
            "src/store/format::an_old_store_is_copied_aside_and_brought_up",
            "src/store/format::a_migration_that_is_killed_is_done_at_the_next_opening_and_the_copy_is_of_before",
            "src/store/backup/tests::before_records_get_a_newer_layout_the_store_is_copied",
        ],
        open: "no older release is there to be kept and run",
    },
    Row { number: 22, fault: "72 hours of random faults", tests: &[], open: "for the nights; not written" },
];

#[test]
fn every_fault_of_the_matrix_has_tests_that_are_there_or_a_reason() {
    let numbers: Vec<u8> = MATRIX.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<u8>>());
    let mut missing = BTreeSet::new();
    for row in MATRIX {
        assert!(!row.tests.is_empty() || !row.open.is_empty(), "R{} ({}) has neither", row.number, row.fault);
        for test in row.tests {
            let (file, name) = test.rsplit_once("::").unwrap();
            if !is_a_test(&file_of(file), name) {
                missing.insert(format!("R{}: {test}", row.number));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

fn file_of(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{place}.rs"))
}

fn is_a_test(file: &Path, name: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else { return false };
    let above: Vec<&str> = before.lines().rev().take(4).collect();
    above.iter().any(|line| line.contains("test") && line.trim_start().starts_with("#["))
}
