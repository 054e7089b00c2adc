//! placeholder
#[derive(Debug)]
pub struct Calendar;
