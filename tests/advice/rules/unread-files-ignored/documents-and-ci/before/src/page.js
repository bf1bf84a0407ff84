import changes from "../CHANGELOG.md"
