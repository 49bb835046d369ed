//! Passwords that are long enough and guessed first all the same.

/// In small letters. Those of twelve characters and more that lists of stolen passwords have most often, and the names of
/// things here.
const COMMON: &[&str] = &[
    "1234567890123",
    "123456789012",
    "12345678901234",
    "123456789012345",
    "1234567890123456",
    "123123123123",
    "012345678901",
    "123456123456",
    "123456789123456789",
    "098765432109",
    "987654321098",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcd1234abcd",
    "abc123abc123",
    "administrator",
    "administrator1",
    "adminadminadmin",
    "admin1234567",
    "adminpassword",
    "asdfghjkl123",
    "asdfasdfasdf",
    "bwp_bwp_bwp_",
    "changemechangeme",
    "changeme1234",
    "changeme12345",
    "companyadmin",
    "company_admin",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "iloveyouiloveyou",
    "letmein12345",
    "letmeinletmein",
    "mypassword123",
    "newpassword1",
    "p@ssw0rd1234",
    "p@ssword1234",
    "passw0rd1234",
    "password1234",
    "password12345",
    "password123456",
    "password1234567",
    "password12345678",
    "password123456789",
    "password1234567890",
    "password@123",
    "passwordpassword",
    "q1w2e3r4t5y6",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwerty1234567890",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdfghjkl",
    "qwertyuiop[]",
    "secretsecret",
    "testtesttest",
    "trustno1trustno1",
    "unitedstates",
    "welcome12345",
    "welcome123456",
    "zaq12wsxcde3",
    "zxcvbnm12345",
    "zxcvbnmasdfghjkl",
];

/// Fewer different characters than this make no secret, however long it is.
const DIFFERENT_CHARACTERS: usize = 4;

/// Whether this is guessed before anything else is tried.
pub(super) fn is_common(password: &str) -> bool {
    let folded = password.trim().to_lowercase();
    let mut characters: Vec<char> = folded.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    characters.len() < DIFFERENT_CHARACTERS || COMMON.contains(&folded.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_small_letters_and_long_enough_to_be_chosen() {
        for common in COMMON {
            assert!(common.len() >= 12 && *common == common.to_lowercase() && is_common(common), "{common}");
        }
    }
}
