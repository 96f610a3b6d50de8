/** What is at an address becomes a file of whoever looks. */
export function saveAs(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.rel = "noreferrer noopener";
  link.click();
}
