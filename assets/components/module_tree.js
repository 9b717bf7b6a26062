// The tree of a model: rows to pick from, with switches where there are any.

class ModuleTree {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".tree");
    this.tree = new TreeRows(this.root.querySelector('[role="tree"]'), {
      pick: (id) => this.pick(id),
      toggle: (id, what) => this.channel.send({ do: "switch", id, what }),
    });
  }

  destroy() {}

  render(data) {
    this.root.style.setProperty("--height", data.height == null ? "none" : `${data.height}px`);
    this.tree.render(data.rows, data.switches);
    this.tree.select(data.selected);
  }

  pick(id) {
    if (id === this.tree.selected) return;
    this.tree.select(id);
    this.channel.send({ do: "pick", id });
  }
}

export default function (component) {
  return mount(component, (root, channel) => new ModuleTree(root, channel));
}
