//! Keys and tokens that nobody can guess.

use super::error::StartError;

/// 32 random bytes of the machine.
pub(crate) fn bytes() -> Result<[u8; 32], StartError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| StartError(format!("this machine gives no random bytes: {error}")))?;
    Ok(bytes)
}
