// Without this the page holds the same: it sorts a table by the column whose head is pressed, and filters long ones.
const value = (row, at) => row.cells[at].querySelector("span, a").textContent.trim()
  .replaceAll("\u2212", "-").replaceAll(/[\u202f,](?=\d{3})/g, "");

function compare(a, b) {
  const [x, y] = [parseFloat(a.replace("< ", "")), parseFloat(b.replace("< ", ""))];
  if (isNaN(x) || isNaN(y)) return isNaN(x) && isNaN(y) ? a.localeCompare(b) : isNaN(x) - isNaN(y);
  return x - y;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  Array.from(table.tHead.rows[0].cells).forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.ariaSort ? head.ariaSort === "descending" : head.classList.contains("words");
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.ariaSort = up ? "ascending" : "descending";
      const rows = Array.from(body.rows).sort((a, b) =>
        a.classList.contains("reference") - b.classList.contains("reference") ||
        (up ? 1 : -1) * compare(value(a, at), value(b, at)));
      body.append(...rows);
    });
  });
}

for (const input of document.querySelectorAll("[data-filter]")) {
  input.parentElement.hidden = false;
  const table = input.parentElement.nextElementSibling;
  const rows = table.querySelectorAll("tbody tr");
  const fold = table.nextElementSibling?.querySelector("[data-fold]");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    if (fold && wanted) fold.checked = true;
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
