/// <reference path="../pb_data/types.d.ts" />
// What the rows of the data API are measured on: an index under each rule and each relation, batches of 1,000 allowed.
migrate((app) => {
  const mine = "owner = @request.auth.id";
  const users = app.findCollectionByNameOrId("users").id;
  const dates = [
    { type: "autodate", name: "created_at", onCreate: true },
    { type: "autodate", name: "updated_at", onCreate: true, onUpdate: true },
  ];
  const one = (name, collection) => ({ type: "relation", name, collectionId: collection, maxSelect: 1, required: true });
  const make = (name, fields, indexes) => {
    const collection = new Collection({
      type: "base",
      name,
      listRule: mine,
      viewRule: mine,
      createRule: "@request.auth.id != '' && " + mine,
      updateRule: mine,
      deleteRule: mine,
      fields: [...fields, one("owner", users), ...dates],
      indexes: [`CREATE INDEX idx_${name}_owner ON ${name} (owner)`, ...indexes],
    });
    app.save(collection);
    return collection.id;
  };
  const projects = make("projects", [{ type: "text", name: "name", required: true, max: 200 }], []);
  const tasks = make("tasks", [
    { type: "text", name: "title", required: true, min: 1, max: 200 },
    { type: "bool", name: "done" },
    { type: "number", name: "priority" },
    { type: "date", name: "due" },
    one("project", projects),
  ], ["CREATE INDEX idx_tasks_project ON tasks (project)"]);
  make("comments", [{ type: "text", name: "text", required: true, max: 500 }, one("task", tasks)], ["CREATE INDEX idx_comments_task ON comments (task)"]);
  make("labels", [{ type: "text", name: "slug", required: true, max: 50 }, { type: "text", name: "color" }], ["CREATE UNIQUE INDEX idx_labels_slug ON labels (slug)"]);
  make("notes", [{ type: "text", name: "title", required: true, max: 200 }], []);
  const settings = app.settings();
  settings.batch.enabled = true;
  settings.batch.maxRequests = 1000;
  settings.batch.timeout = 60;
  app.save(settings);
}, (app) => {
  for (const name of ["notes", "labels", "comments", "tasks", "projects"]) app.delete(app.findCollectionByNameOrId(name));
});
