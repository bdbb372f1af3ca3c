//! CSV documents (RFC 4180) that are safe to open in a spreadsheet.

/// A writer of CSV rows in memory.
#[derive(Debug)]
pub struct CsvWriter(csv::Writer<Vec<u8>>);

impl Default for CsvWriter {
    fn default() -> Self {
        let mut builder = csv::WriterBuilder::new();
        builder.terminator(csv::Terminator::CRLF).flexible(true);
        Self(builder.from_writer(Vec::new()))
    }
}

impl CsvWriter {
    /// Creates a writer with a header row.
    pub fn new(columns: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.write_row(columns);
        csv
    }

    pub fn write_row<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) {
        // Writing into memory does not fail.
        let _infallible = self.0.write_record(cells);
    }

    /// Returns the whole document.
    ///
    /// `bom` adds the byte order mark that spreadsheets need to detect UTF-8.
    pub fn into_document(self, bom: bool) -> String {
        let text = self.into_string();
        if bom { format!("\u{feff}{text}") } else { text }
    }

    /// Returns the rows without a byte order mark.
    pub fn into_string(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Escapes a text that a spreadsheet would interpret as a formula.
///
/// Spreadsheets that separate cells by semicolons are covered as well
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). Must not be used for numbers, whose
/// minus sign it would escape.
pub fn escape_formula(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    // Whether some spreadsheet may start a cell here.
    let mut at_cell_start = true;
    for character in text.chars() {
        if at_cell_start
            && matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
        {
            escaped.push('\'');
        }
        at_cell_start =
            matches!(character, ';' | '\t' | '\r' | '\n') || at_cell_start && character.is_whitespace();
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{CsvWriter, escape_formula};

    #[test]
    fn cells_are_quoted_and_formulas_escaped() {
        let mut csv = CsvWriter::new(&["a", "b"]);
        csv.write_row(["-1.50".to_owned(), escape_formula("=cmd|' /C calc'!A0")]);
        csv.write_row([escape_formula("say \"hi\", then\nleave"), escape_formula(" @SUM(1)")]);
        csv.write_row([escape_formula("plain"), escape_formula("\t=1")]);
        csv.write_row([escape_formula("Lunch; =cmd|' /C calc'!A0;-x"), escape_formula("a-b;c+d")]);
        let text = csv.into_string();
        assert_eq!(
            text,
            "a,b\r\n-1.50,'=cmd|' /C calc'!A0\r\n\"say \"\"hi\"\", then\nleave\", '@SUM(1)\r\nplain,'\t'=1\r\nLunch; '=cmd|' /C calc'!A0;'-x,a-b;c+d\r\n"
        );
    }
}
