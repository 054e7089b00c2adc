//! The procedures, one folder each, one file per step.
