//! Common passwords. `data/README.md` names the sources of the list.

/// The passwords: lowercase, sorted, one per line.
static LIST: &str = include_str!("../../data/common-passwords.txt");

/// Returns whether `password` is too common.
/// It is if the list has it in any letter case, or if it consists of two entries of the list.
pub fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let mut splits = folded.char_indices().map(|(index, _)| folded.split_at(index)).skip(1);
    is_listed(&folded) || splits.any(|(first, second)| is_listed(first) && is_listed(second))
}

/// Searches the list by bisection over its text, which needs no index in memory.
fn is_listed(password: &str) -> bool {
    let (mut low, mut high) = (0, LIST.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start =
            LIST.as_bytes().get(..middle).and_then(|head| head.iter().rposition(|byte| *byte == b'\n'));
        let start = start.map_or(0, |newline| newline + 1);
        let rest = LIST.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        match line.cmp(password) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{LIST, is_common, is_listed};

    #[test]
    fn the_list_is_long_and_in_order() {
        let lines: Vec<_> = LIST.lines().collect();
        assert!(lines.len() >= 20_000, "{}", lines.len());
        assert!(lines.is_sorted());
        for line in &lines {
            assert!(is_listed(line), "{line}");
        }
        assert!(
            !is_listed("") && !is_listed("zzzzzzzzzzzzzzzzz") && !is_listed("!") && !is_listed("passwor\n")
        );
    }

    #[test]
    fn common_passwords_are_found_alone_and_in_pairs() {
        for common in ["Password12345", "passwordPASSWORD", "iloveyou1234", "qwertyuiop12", "dragon654321"] {
            assert!(is_common(common), "{common}");
        }
        for rare in ["correct horse battery", "ñandú ñandú ñandú", "tr0ub4dor&3 is old"] {
            assert!(!is_common(rare), "{rare}");
        }
    }
}
