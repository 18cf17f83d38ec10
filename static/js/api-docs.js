// Draws the OpenAPI document with Swagger UI. Nothing is fetched but the document and what a reader tries out.
const root = document.documentElement;
const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

function appear() {
  const chosen = root.dataset.theme;
  root.classList.toggle("dark-mode", chosen ? chosen === "dark" : systemIsDark.matches);
}

appear();
systemIsDark.addEventListener("change", appear);

const place = document.getElementById("docs");
SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  operationsSorter: "alpha",
  validatorUrl: null,
});
