// Lint of the page's scripts, and of their tests.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/vendor/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    rules: {
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "nothing from a ledger is read as HTML: use html`…` of view.js" },
        { property: "outerHTML", message: "nothing from a ledger is read as HTML: use html`…` of view.js" },
        { property: "insertAdjacentHTML", message: "nothing from a ledger is read as HTML: use html`…` of view.js" },
        { property: "dangerouslySetInnerHTML", message: "nothing from a ledger is read as HTML" },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "Property[key.name='dangerouslySetInnerHTML']", message: "nothing from a ledger is read as HTML" },
        { selector: "CallExpression[callee.name='eval']", message: "the page's policy forbids it" },
      ],
    },
  },
  { files: ["tests/**"], languageOptions: { globals: globals.node } },
];
