//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.

/// Rows of cells as text.
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
    /// With a header.
    pub fn new(columns: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.write_row(columns);
        csv
    }

    pub fn write_row<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) {
        // Writing into memory does not fail.
        let _infallible = self.0.write_record(cells);
    }

    /// The whole file; `bom`: with the byte order mark that spreadsheets need to read UTF-8.
    pub fn into_document(self, bom: bool) -> String {
        let text = self.into_string();
        if bom { format!("\u{feff}{text}") } else { text }
    }

    /// The rows alone.
    pub fn into_string(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// A text that a spreadsheet does not take for a formula, not even one that
/// separates cells by semicolons (<https://owasp.org/www-community/attacks/CSV_Injection>).
/// Not for numbers.
pub fn escape_formula(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    // Whether a cell may begin here, for some spreadsheet.
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
    fn cells_are_quoted_and_formulas_are_text() {
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
