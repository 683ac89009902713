module turn-agent

go 1.24
