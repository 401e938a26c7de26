// The page of one run.

{
  const data = JSON.parse(document.getElementById("data").textContent);
  const { header } = data;
  const origin = document.getElementById("origin");
  if (header.seed !== undefined) origin.append(`Seed ${header.seed}. `);
  if (header.command) origin.append("Made by ", element("code", {}, header.command));
  const failure = document.getElementById("failure");
  failure.hidden = !header.failure;
  failure.textContent = header.failure ?? "";
  window.view = new View(document.getElementById("timeline"));
  window.view.load(data);
}
