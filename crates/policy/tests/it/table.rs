//! The reviewed table is what the policies decide, and it is complete.

use commonroll_core::RecordKind;
use commonroll_policy::{Policy, matrix};
#[test]
fn the_reviewed_table_is_what_the_policies_decide() {
    let policy = Policy::embedded().expect("the embedded set is fit");
    expect_test::expect_file!["../../../../policies/who-may-what.txt"].assert_eq(&matrix(&policy));
}
