/** The rows of a CSV file, as its texts come in: a field may hold commas, line breaks and, doubled, quotes.
 * Source: https://www.rfc-editor.org/rfc/rfc4180 */
export async function* rowsOf(texts) {
  let row = [];
  let field = "";
  let quoted = false;
  let quotes = 0;
  for await (const text of texts) {
    for (const character of text) {
      if (quoted && character === '"') {
        quotes += 1;
        if (quotes % 2 === 0) field += '"';
        continue;
      }
      if (quoted && quotes % 2 === 0) {
        field += character;
        continue;
      }
      // Past the end of what was quoted.
      quoted = false;
      if (character === '"') {
        quoted = true;
        quotes = 0;
      } else if (character === ",") {
        row.push(field);
        field = "";
      } else if (character === "\n") {
        yield [...row, field];
        row = [];
        field = "";
      } else if (character !== "\r") field += character;
    }
  }
  if (field || row.length) yield [...row, field];
}
