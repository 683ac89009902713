package clouds

// AmazonItems describe an instance with an Elastic IP, two IPv6 addresses and a role.
func AmazonItems() map[string]string {
	return map[string]string{
		"meta-data/local-ipv4":      "10.0.1.5",
		"meta-data/public-ipv4":     "18.184.1.2",
		"meta-data/public-hostname": "ec2-18-184-1-2.eu-central-1.compute.amazonaws.com",
		"meta-data/mac":             "0a:1b:2c:3d:4e:5f",
		"meta-data/network/interfaces/macs/0a:1b:2c:3d:4e:5f/ipv6s": "2a05:d014::5\n2a05:d014::6",
		"dynamic/instance-identity/document":                        `{"region": "eu-central-1", "instanceId": "i-0123456789abcdef0"}`,
		"meta-data/iam/security-credentials/":                       "turn-role",
		"meta-data/iam/security-credentials/turn-role":              `{"Code": "Success", "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "role-key", "Token": "role-token"}`,
		"meta-data/public-keys/":                                    "0=operator",
		"meta-data/public-keys/0/openssh-key":                       "ssh-ed25519 AAAAC3Nza operator\n",
	}
}

// GoogleItems describe an instance with an external address, an IPv6 address and a service account.
func GoogleItems() map[string]string {
	return map[string]string{
		"instance/id":                      "4520031799277581759",
		"instance/network-interfaces/0/ip": "10.0.1.5",
		"instance/network-interfaces/0/access-configs/0/external-ip": "34.90.1.2",
		"instance/network-interfaces/0/ipv6s":                        "2600:1900::5",
		"instance/hostname":                                          "turn-1.europe-west4-a.c.my-project.internal",
		"instance/service-accounts/default/token":                    `{"access_token": "google-token", "expires_in": 3599, "token_type": "Bearer"}`,
		"project/project-id":                                         "my-project",
	}
}
