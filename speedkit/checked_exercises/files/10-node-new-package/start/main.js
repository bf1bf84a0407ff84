const ms = require("ms");

console.log("A pause of", ms(300000, { long: true }));
