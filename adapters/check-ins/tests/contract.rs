//! What a list tells, by webhook and by file, and what is said of a body or file that can't be read.

#![expect(clippy::expect_used, reason = "helpers of tests may fail a test, too")]

#[path = "contract/both.rs"]
mod both;
#[path = "contract/file.rs"]
mod file;
#[path = "contract/fixtures.rs"]
mod fixtures;
#[path = "contract/hook.rs"]
mod hook;
#[path = "contract/list.rs"]
mod list;
#[path = "contract/openapi.rs"]
mod openapi;
#[path = "contract/support.rs"]
mod support;
