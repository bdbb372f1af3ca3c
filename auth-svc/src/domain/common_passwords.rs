//! Passwords that everybody tries first. See `data/README.md` for the list's sources.

/// Lower case, sorted, one a line.
static LIST: &str = include_str!("../../data/common-passwords.txt");

/// Whether `password` is on the list in any letter case, or is two of its entries in a row.
pub fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let mut splits = folded.char_indices().map(|(index, _)| folded.split_at(index)).skip(1);
    is_listed(&folded) || splits.any(|(first, second)| is_listed(first) && is_listed(second))
}

/// Binary search over the text itself: the list costs no memory of its own.
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
    fn common_ones_are_known_alone_and_in_pairs() {
        for common in ["Password12345", "passwordPASSWORD", "iloveyou1234", "qwertyuiop12", "dragon654321"] {
            assert!(is_common(common), "{common}");
        }
        for rare in ["correct horse battery", "ñandú ñandú ñandú", "tr0ub4dor&3 is old"] {
            assert!(!is_common(rare), "{rare}");
        }
    }
}
