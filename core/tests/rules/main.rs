//! The rules that hold everywhere in the procedures: days and hours, tries, the channel.

#[cfg(test)]
mod calendar;
#[cfg(test)]
mod calendar_year;
#[cfg(test)]
mod channel;
#[cfg(test)]
mod channel_machines;
#[cfg(test)]
mod channel_properties;
#[cfg(test)]
mod channel_senders;
#[cfg(test)]
mod channel_support;
#[cfg(test)]
mod channel_told;
#[cfg(test)]
mod incidents;
#[cfg(test)]
mod rate_limit;
#[cfg(test)]
mod rate_limit_clock;
#[cfg(test)]
mod rate_limit_properties;
#[cfg(test)]
mod retry;
