// The film's script wants a page that is there once; here chapters come and go.
const look = () => {
  if (element.querySelector("#player[hidden]")) showFilm();
};
new MutationObserver(look).observe(element, { childList: true, subtree: true });
look();

// One listener for all chapters: the quiz's explanations lie elsewhere on the page.
const turnTo = (number) => {
  const choice = document.querySelectorAll("#chapters input[type=radio]")[number - 1];
  choice.click();
  choice.focus();
};

// Where a page has no clipboard of its own, over plain http, what is selected can still be copied.
const copy = async (button) => {
  const program = button.closest(".program").querySelector("code");
  if (navigator.clipboard) await navigator.clipboard.writeText(program.textContent);
  else {
    getSelection().selectAllChildren(program);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
};

// A pair goes to the lab by way of the server, which knows the tabs.
element.addEventListener("click", ({ target }) => {
  const pair = target.closest?.("[data-pair]");
  if (pair) trigger("select", { pair: Number(pair.dataset.pair) });
});

if (!window.limnerListens) {
  window.limnerListens = true;
  document.addEventListener("click", ({ target }) => {
    const way = target.closest?.("[data-chapter]");
    const program = target.closest?.("[data-copy]");
    if (way) turnTo(way.dataset.chapter);
    if (program) copy(program);
  });
}
