"use strict";
// Files that stand in the page, compressed, handed over as downloads: no request is made.
function downloads(files, cifs) {
  const opened = new Map(); // a file is unpacked once
  function content(name) {
    if (!opened.has(name)) {
      const packed = Uint8Array.from(atob(files[name]), (character) => character.charCodeAt(0));
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
      opened.set(name, new Response(stream).arrayBuffer());
    }
    return opened.get(name);
  }

  function save(name, bytes) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000); // the browser reads it after the click
  }

  document.addEventListener("click", async (event) => {
    const element = event.target.closest("[data-file], [data-cif]");
    if (element === null) return;
    event.preventDefault();
    const [file, name, start, end] = element.dataset.file === undefined ? cifs[element.dataset.cif] : [element.dataset.file, element.dataset.file];
    save(name, (await content(file)).slice(start, end));
  });
}
