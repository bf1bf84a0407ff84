const commit = execSync("git rev-parse HEAD")
