/* Elements, and changes only where something changed. */
const dom = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
const classes = (element, names) => { if (element.className !== names) element.className = names; };
const byId = (id) => document.getElementById(id);
