// Shows what was chosen before it is sent, and says at once when a file is too large.
export function uploads(root) {
  for (const input of root.querySelectorAll("input[type=file][data-upload]")) {
    if (input.dataset.watched) continue;
    input.dataset.watched = "1";
    const preview = document.createElement("div");
    preview.className = "upload-preview";
    input.after(preview);
    input.addEventListener("change", () => {
      preview.replaceChildren();
      for (const file of input.files) {
        if (!file.type.startsWith("image/")) { preview.append(file.name); continue; }
        const picture = document.createElement("img");
        picture.alt = file.name;
        picture.src = URL.createObjectURL(file);
        picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
        preview.append(picture);
      }
    });
  }
}
